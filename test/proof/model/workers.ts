/** What workers do: hear of a task, claim it, work, report, settle; and how they die of it. After `run-task.ts` and `attempt.ts`. */
import type { TaskCommand } from '#events/task.ts';
import { sessionId, workerId } from '#test/support/ids.ts';
import { begin, callSteps, ownLate } from './calls.ts';
import type { Call, Outcome, Request } from './calls.ts';
import type { Step } from './search.ts';
import { abandon, rowOf, spend } from './state.ts';
import type { State, Turn, Worker, World } from './state.ts';
import { freeNumber } from './tidy.ts';

const error = { class: 'agent-failed', message: 'm', remedy: 'r', retryable: true } as const;

const writerOf = ({ number }: Worker) => ({ actor: `worker:${workerId(number)}`, number }) as const;
const nameOf = ({ number }: Worker): string => `worker ${number}`;

/** The row is what it was when the attempt began: the condition of every heartbeat. */
const isHeld = (state: State, worker: Worker, { task, attempt }: Turn): boolean => {
  const row = rowOf(state, task);
  return row?.status === 'processing' && row.attempt === attempt && row.workerId === workerId(worker.number);
};

export const worksOn = (state: State, index: number): boolean =>
  state.workers.some((worker) => {
    const task = worker.at === 'free' ? undefined : worker.at === 'claiming' ? worker.call.task : worker.task;
    return task === index && rowOf(state, index)?.workerId === workerId(worker.number);
  });

export const workerSteps = (state: State, index: number, world: World): Iterable<Step<State>> => {
  const worker = state.workers[index];
  if (!worker) return [];
  switch (worker.at) {
    case 'free':
      return freeSteps(state, index, worker, world);
    case 'claiming':
      return claimingSteps(state, index, worker, world);
    case 'working':
      return workingSteps(state, index, worker, world);
    case 'reporting':
    case 'settling':
      return writingSteps(state, index, worker, world);
  }
};

const put = (state: State, index: number, worker: Worker): State => ({
  ...state,
  workers: state.workers.with(index, worker),
});
const free = ({ number }: Worker): Worker => ({ number, at: 'free' });

/** Another process takes its place, and knows nothing. */
const crash = (state: State, index: number, worker: Worker, call?: Call): Step<State> => ({
  name: `${nameOf(worker)} crashes`,
  next: put(abandon(spend(state), call), index, { number: 0, at: 'free' }),
  owed: false,
});

function* freeSteps(state: State, index: number, { number }: Worker, world: World): Iterable<Step<State>> {
  // Workers without a number are all the same.
  if (number === 0 && state.workers.findIndex((other) => other.number === 0) < index) return;
  const worker = { number: number === 0 ? freeNumber(state) : number, at: 'free' } as const;
  for (const [task, isTold] of state.queue.entries()) {
    const row = rowOf(state, task);
    const isPending = row?.status === 'pending';
    const name = `${nameOf(worker)} hears of task ${task + 1}`;
    if (isTold && !isPending)
      yield { name: `${name}, which is not pending, and deletes the message`, next: deleted(state, task), owed: true };
    // Without a message it is the reconciler that offers what waits for long.
    if (!isPending || !(isTold || world.rules.reconciles)) continue;
    const session = sessionId(worker.number * 10 + ownLate(state, task, worker.number));
    const command: TaskCommand = { type: 'start', workerId: workerId(worker.number), sessionId: session };
    const request: Request = { task, command, by: writerOf(worker), onlyIfSilent: false, beats: true };
    const call = begin(state, request, world.rules);
    yield { name: `${name} and claims it`, next: claimed(state, index, worker, task, call), owed: true };
  }
}

const deleted = (state: State, task: number): State => ({ ...state, queue: state.queue.with(task, false) });

const claimed = (state: State, index: number, worker: Worker, task: number, next: Call | Outcome): State => {
  if ('at' in next) return put(state, index, { number: worker.number, at: 'claiming', call: next });
  if (next.outcome === 'nobody-knows') return put(state, index, free(worker));
  if (next.outcome !== 'stored') return deleted(put(state, index, free(worker)), task);
  const { life: known } = next;
  const attempt = known.row.status === 'absent' ? 0 : known.row.attempt;
  const turn = { task, attempt, known, cancelled: isCancelled(next), reported: false };
  return put(state, index, { number: worker.number, at: 'working', ...turn });
};

/** A cancel that was requested meanwhile is noticed with every write. */
const isCancelled = ({ life: { row } }: Outcome & { outcome: 'stored' }): boolean =>
  row.status === 'processing' && row.cancelRequestedAt !== undefined;

function* claimingSteps(
  state: State,
  index: number,
  worker: Worker & { at: 'claiming' },
  { rules }: World,
): Iterable<Step<State>> {
  const { call } = worker;
  yield* callSteps(state, call, nameOf(worker), rules, (net, next) => claimed(net, index, worker, call.task, next));
  if (state.misfortunes > 0) yield crash(state, index, worker, call);
}

function* workingSteps(
  state: State,
  index: number,
  worker: Worker & { at: 'working' },
  world: World,
): Iterable<Step<State>> {
  const { task, attempt, cancelled, reported } = worker;
  const name = nameOf(worker);
  const write = (at: 'reporting' | 'settling', command: TaskCommand, said: string, owed = true): Step<State> => {
    const request: Request = { task, command, by: writerOf(worker), onlyIfSilent: false, beats: true };
    const call = begin(owed ? state : spend(state), request, world.rules, worker.known);
    return {
      name: `${name}: ${said} task ${task + 1}`,
      next: wrote(owed ? state : spend(state), index, { ...worker, at }, call),
      owed,
    };
  };
  if (cancelled)
    yield write('settling', { type: 'confirm-cancel', attempt }, 'the agent stopped, confirms the cancel of');
  else
    yield write(
      'settling',
      { type: 'complete', attempt, result: { kind: 'inline', text: '' }, stopReason: 'end_turn' },
      'the agent ends, completes',
    );
  if (world.bounds.reports && !reported)
    yield write('reporting', { type: 'progress', attempt, seq: 1, updates: [] }, 'the agent says something about');
  if (!cancelled && rowOf(state, task)?.cancelRequestedAt !== undefined)
    yield {
      name: `${name} hears in the log of the cancel`,
      next: put(state, index, { ...worker, cancelled: true }),
      owed: true,
    };
  if (!isHeld(state, worker, worker))
    yield {
      name: `${name} is refused its heartbeat and stops`,
      next: deleted(put(state, index, free(worker)), task),
      owed: true,
    };
  else if (state.tasks[task]?.silent === true)
    yield { name: `${name} marks its heartbeat`, next: marked(state, task), owed: true };
  if (state.misfortunes === 0) return;
  yield crash(state, index, worker);
  for (const cause of ['agent-failed', 'shutdown'] as const)
    yield write('settling', { type: 'interrupt', attempt, cause, error }, `${cause}, interrupts`, false);
}

const marked = (state: State, task: number): State => ({
  ...state,
  tasks: state.tasks.map((stored, index) => (index === task ? { ...stored, silent: false } : stored)),
});

type Writing = Turn & { readonly number: number; readonly at: 'reporting' | 'settling' };

const wrote = (state: State, index: number, { at, ...turn }: Writing, next: Call | Outcome): State => {
  if ('at' in next) return put(state, index, { ...turn, at, call: next });
  const reported = turn.reported || at === 'reporting';
  // Progress that cannot be stored is lost; an outcome is written until it is stored, or is another's to write.
  if (next.outcome === 'nobody-knows') return put(state, index, { ...turn, reported, at: 'working' });
  if (next.outcome !== 'stored' || at === 'settling')
    return deleted(put(state, index, { number: turn.number, at: 'free' }), turn.task);
  return put(state, index, {
    ...turn,
    reported,
    at: 'working',
    known: next.life,
    cancelled: turn.cancelled || isCancelled(next),
  });
};

function* writingSteps(
  state: State,
  index: number,
  worker: Worker & { at: 'reporting' | 'settling' },
  { rules }: World,
): Iterable<Step<State>> {
  const { call, ...writing } = worker;
  yield* callSteps(state, call, nameOf(worker), rules, (net, next) => wrote(net, index, writing, next));
  if (state.misfortunes > 0) yield crash(state, index, worker, call);
}

/**
 * A task from the submit to its outcome, with everything that can come in between: the model of the whole protocol. One
 * step is one moment at which something becomes true; what `owed` leaves out is bad luck, of which there is only so much.
 * Left out: conversations, idempotency keys, and what does not decide anything, such as how long a lease is.
 */
import type { TaskCommand } from '#events/task.ts';
import { owner, workerId } from '#test/support/ids.ts';
import { begin, callSteps } from './calls.ts';
import type { Call, Outcome, Request } from './calls.ts';
import { brokenPromise, isDone } from './promises.ts';
import type { Model, Step } from './search.ts';
import { abandon, initialState, rowOf, spend } from './state.ts';
import type { Client, State, World } from './state.ts';
import { execute } from './store.ts';
import { tidy } from './tidy.ts';
import { worksOn, workerSteps } from './workers.ts';

type Who = 'submits' | 'cancels';

const told = (state: State, who: Who, index: number, client: Client): State => ({
  ...state,
  [who]: state[who].with(index, client),
});

/** The answer of the API follows the write; what it cannot say, nobody knows. */
const answer = (state: State, who: Who, index: number, next: Call | Outcome): State => {
  if ('at' in next) return told(state, who, index, { told: 'nothing', call: next });
  const answers = { stored: 'accepted', refused: 'refused', fenced: 'refused', 'nobody-knows': 'unknown' } as const;
  return told(state, who, index, { told: answers[next.outcome], call: undefined });
};

function* clientSteps(state: State, who: Who, index: number, { rules, bounds }: World): Iterable<Step<State>> {
  const client = state[who][index];
  if (!client || client.told !== 'nothing') return;
  const name = `the API (${who === 'submits' ? 'submit' : 'cancel'} ${index + 1})`;
  if (!client.call) {
    // A task gets its number by being submitted; and only a task that was acknowledged can be named in a cancel.
    const before = who === 'submits' ? state.submits[index - 1] : state.submits[index];
    if (before && (who === 'submits' ? before.told === 'nothing' && !before.call : before.told !== 'accepted')) return;
    const prompt = { kind: 'inline', text: 'p' } as const;
    const limits = { timeoutMs: 1, attemptsMax: bounds.attemptsMax } as const;
    const command: TaskCommand =
      who === 'submits' ? { type: 'submit', owner, prompt, priority: 'normal', ...limits } : { type: 'request-cancel' };
    const by = { actor: 'api:1', number: who === 'submits' ? 900 : 901 } as const;
    const request: Request = { task: index, command, by, onlyIfSilent: false, beats: false };
    const sent = answer(state, who, index, begin(state, request, rules));
    const early = rules.acknowledges === 'before the write' && who === 'submits';
    const next = early
      ? told(abandon(sent, sent.submits[index]?.call), who, index, { told: 'accepted', call: undefined })
      : sent;
    yield { name: `${name} decides and sends`, next, owed: false };
    return;
  }
  yield* callSteps(state, client.call, name, rules, (net, next) => answer(net, who, index, next));
  const gone = told(abandon(spend(state), client.call), who, index, { told: 'unknown', call: undefined });
  if (state.misfortunes > 0) yield { name: `${name} crashes`, next: gone, owed: false };
}

const rescuer = (index: number) => ({ actor: `worker:${workerId(800 + index)}`, number: 800 + index }) as const;
const lost = { class: 'worker-lost', message: 'm', remedy: 'r', retryable: true } as const;

/** A look at the list comes before the decision on the row. After `reconcile.ts`; what a worker runs itself is looked at like the rest. */
function* reconcilerSteps(state: State, index: number, { rules }: World): Iterable<Step<State>> {
  const call = state.reconcilers[index];
  const put = (net: State, next: Call | Outcome | undefined): State => ({
    ...net,
    reconcilers: net.reconcilers.with(index, next && 'at' in next ? next : undefined),
  });
  const name = `reconciler ${index + 1}`;
  if (call) {
    yield* callSteps(state, call, name, rules, put);
    if (state.misfortunes > 0)
      yield { name: `${name} crashes`, next: put(abandon(spend(state), call), undefined), owed: false };
    return;
  }
  for (const [task, { silent }] of state.tasks.entries()) {
    const row = rowOf(state, task);
    if (row?.status !== 'processing') continue;
    const { attempt } = row;
    const look = (command: TaskCommand, onlyIfSilent: boolean): Call => ({
      task,
      command,
      by: rescuer(index),
      onlyIfSilent,
      beats: false,
      at: 'deciding',
    });
    const interrupt = look({ type: 'interrupt', attempt, cause: 'worker-lost', error: lost }, true);
    const fail = look({ type: 'fail', attempt, error: lost }, false);
    if (silent)
      yield { name: `${name} finds task ${task + 1} without a heartbeat`, next: put(state, interrupt), owed: true };
    else if (state.misfortunes > 0)
      yield { name: `${name} finds task ${task + 1} past its limit`, next: put(spend(state), fail), owed: false };
  }
}

/** In the order of the log, at any time, at least once: that two projectors with a lease keep this promise is shown by `relay.ts`. */
function* relaySteps(state: State): Iterable<Step<State>> {
  const [next, ...unread] = state.log.unread;
  if (next?.announces === undefined) return;
  const queue = state.queue.with(next.announces, true);
  const name = `the relay announces position ${next.position}, a message of task ${next.announces + 1}`;
  yield { name, next: { ...state, queue, log: { ...state.log, unread } }, owed: true };
}

/** Time passes: the heartbeat of a worker that works on is too old only if it was held up for a lease. */
function* clockSteps(state: State): Iterable<Step<State>> {
  for (const [task, stored] of state.tasks.entries()) {
    if (rowOf(state, task)?.status !== 'processing' || stored.silent) continue;
    const next = { ...state, tasks: state.tasks.with(task, { ...stored, silent: true }) };
    const name = `a lease passes without a heartbeat for task ${task + 1}`;
    if (!worksOn(state, task)) yield { name, next, owed: true };
    else if (state.misfortunes > 0) yield { name, next: spend(next), owed: false };
  }
}

/** Messages come in any order and may be lost or come twice, and a write that nobody waits for may still happen. */
function* badLuckSteps(state: State, { rules }: World): Iterable<Step<State>> {
  for (const [index, write] of state.late.entries()) {
    const { store } = execute({ ...state, late: state.late.toSpliced(index, 1) }, write, rules);
    yield { name: `a late write to task ${write.task + 1} reaches the store`, next: store, owed: false };
  }
  if (state.misfortunes === 0) return;
  for (const [task, isThere] of state.queue.entries()) {
    const next = spend({ ...state, queue: state.queue.with(task, !isThere) });
    if (isThere) yield { name: `the message of task ${task + 1} is lost`, next, owed: false };
    else if (rowOf(state, task)) yield { name: `a message of task ${task + 1} comes again`, next, owed: false };
  }
}

function* allSteps(state: State, world: World): Iterable<Step<State>> {
  for (const index of state.submits.keys()) yield* clientSteps(state, 'submits', index, world);
  for (const index of state.cancels.keys()) yield* clientSteps(state, 'cancels', index, world);
  for (const index of state.workers.keys()) yield* workerSteps(state, index, world);
  if (world.rules.reconciles) for (const index of state.reconcilers.keys()) yield* reconcilerSteps(state, index, world);
  yield* relaySteps(state);
  yield* clockSteps(state);
  yield* badLuckSteps(state, world);
}

export const protocol = (world: World): Model<State> => ({
  initial: initialState(world),
  steps: function* (state) {
    for (const step of allSteps(state, world)) yield { ...step, next: tidy(step.next, world) };
  },
  broken: brokenPromise,
  done: isDone,
});

/** One command on its way through `handle.ts` and `dynamodb/append.ts`: decide, send, learn what became of it. */
import type { Envelope } from '#events/envelope.ts';
import type { TaskCommand } from '#events/task.ts';
import type { Step } from './search.ts';
import { execute, holdsOwn, lifeAt, storedAt, streamOf, taskLives } from './store.ts';
import type { Answer, Store, StoreRules, TaskLife, Write } from './store.ts';

export type Request = {
  readonly task: number;
  readonly command: TaskCommand;
  readonly by: { readonly actor: Envelope['actor']; readonly number: number };
  /** The append holds only if the heartbeat is still old when it happens. */
  readonly onlyIfSilent: boolean;
  /** The append is a heartbeat as well. */
  readonly beats: boolean;
};

/** Deciding and writing are two steps, and whatever others do may come between them. */
export type Call = Request &
  ({ readonly at: 'deciding' } | { readonly at: 'sent' | 'unanswered'; readonly write: Write });

export type Outcome =
  | { readonly outcome: 'stored'; readonly life: TaskLife }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'fenced' }
  /** The store did not answer for long: the caller is told that nobody knows. */
  | { readonly outcome: 'nobody-knows' };

export type CallRules = StoreRules & {
  /** An attempt is named by the worker that ran it; without this, whatever attempt the row shows is taken for its own. */
  readonly namesAttempt: boolean;
  /** After an answer that did not come, and after a refusal, the writer looks whether its own write is there. */
  readonly readsBack: boolean;
};

/** What a call needs to see and to move of the state of the model. */
export type Net = Store & {
  /** Writes that nobody waits for any more, and that may yet happen. */
  readonly late: readonly Write[];
  /** How many more things may go wrong. */
  readonly misfortunes: number;
};

/** The stream as the writer knows it once its write is there. */
const written = (net: Net, { task, change }: Write): Outcome => {
  const life = lifeAt(storedAt(net, task).life, change.expected + change.facts.length);
  return { outcome: 'stored', life };
};

const requestOf = ({ task, command, by, onlyIfSilent, beats }: Request): Request => ({
  ...{ task, command, by, onlyIfSilent, beats },
});

/** Tells this try from those whose writes may yet happen. */
export const ownLate = ({ late }: Net, task: number, by: number): number =>
  late.filter((write) => write.task === task && write.by === by).length;

const decide = (net: Net, request: Request, life: TaskLife, rules: CallRules) => {
  const { task, command, by } = request;
  const { row } = life;
  const taken = !rules.namesAttempt && 'attempt' in command && row.status !== 'absent';
  const asked = taken ? { ...command, attempt: row.attempt } : command;
  return taskLives.decide(streamOf(task), life, asked, { ...by, round: ownLate(net, task, by.number) });
};

/** Decides on the stream as it is known, or else as it is, and sends the transaction at the end of the log. */
export const begin = (net: Net, request: Request, rules: CallRules, known?: TaskLife): Call | Outcome => {
  const { life } = storedAt(net, request.task);
  const believed = known && decide(net, request, known, rules);
  // What rests on knowledge that no append checks is decided again on the stored row.
  const decided = believed?.decided === 'change' ? believed : decide(net, request, life, rules);
  switch (decided.decided) {
    case 'refused':
      return { outcome: 'refused' };
    case 'already-so':
      return { outcome: 'stored', life };
    case 'change': {
      const { task, onlyIfSilent, beats } = request;
      const position = net.log.head + 1;
      const write = { task, by: request.by.number, change: decided.change, position, onlyIfSilent, beats };
      return { ...requestOf(request), at: 'sent', write };
    }
  }
};

/** The answer may never come, and the write may yet happen. */
export const letGo = <N extends Net>(net: N, write: Write): N => ({ ...net, late: [...net.late, write] });
export const spend = <N extends Net>(net: N): N => ({ ...net, misfortunes: net.misfortunes - 1 });

/** The steps a call may take next; `resume` puts what it became back into the hands of whoever made it. */
export function* callSteps<N extends Net>(
  net: N,
  call: Call,
  who: string,
  rules: CallRules,
  resume: (net: N, next: Call | Outcome) => N,
): Iterable<Step<N>> {
  const what = `${call.command.type} task ${call.task + 1}`;
  if (call.at === 'deciding') {
    yield { name: `${who} reads, decides: ${what}`, next: resume(net, begin(net, call, rules)), owed: true };
    return;
  }
  const { write, at } = call;
  const isOwn = rules.readsBack && holdsOwn(net, write);
  if (at === 'unanswered') {
    const next = isOwn ? written(net, write) : ({ ...call, at: 'sent' } as const);
    const name = rules.readsBack
      ? `${who} reads back: ${what} is ${isOwn ? '' : 'not '}there`
      : `${who} sends again: ${what}`;
    yield { name, next: resume(net, next), owed: true };
    if (!isOwn) yield { name: `${who} gives up: ${what}`, next: resume(net, { outcome: 'nobody-knows' }), owed: false };
    return;
  }
  const { store, answer } = execute(net, write, rules);
  const name = `the store answers ${who}: ${what} ${isOwn ? 'is there' : answer}`;
  yield { name, next: resume(store, answered(store, call, isOwn ? 'own' : answer)), owed: true };
  if (net.misfortunes === 0) return;
  const unanswered = { ...call, at: 'unanswered' } as const;
  if (answer === 'appended')
    yield {
      name: `the store stores, the answer is lost: ${what} by ${who}`,
      next: resume(spend(store), unanswered),
      owed: false,
    };
  yield {
    name: `no answer, still under way: ${what} by ${who}`,
    next: resume(spend(letGo(net, write)), unanswered),
    owed: false,
  };
}

const answered = (net: Net, call: Request & { readonly write: Write }, answer: Answer | 'own'): Call | Outcome => {
  switch (answer) {
    case 'own':
    case 'appended':
      return written(net, call.write);
    case 'fenced':
      return { outcome: 'fenced' };
    case 'conflict':
      return { ...requestOf(call), at: 'deciding' };
    case 'contended':
      // Somebody took the position: the same change, at what is the end of the log by now.
      return { ...requestOf(call), at: 'sent', write: { ...call.write, position: net.log.head + 1 } };
  }
};

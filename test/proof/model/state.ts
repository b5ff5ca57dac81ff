/** Everything there is at one moment of the protocol, and what may be set about it. */
import { absent } from '#events/decider.ts';
import type { Call, CallRules, Net } from './calls.ts';
import { taskLives } from './store.ts';
import type { TaskLife } from './store.ts';

/** How much there is of everything. Who has an index, counts from 0. */
export type Bounds = {
  readonly tasks: number;
  readonly workers: number;
  readonly reconcilers: number;
  /** How often a task is tried before it fails. */
  readonly attemptsMax: number;
  /** Crashes, pauses longer than a lease, lost answers, late writes, lost messages, agents that fail: so many in all, at any step. */
  readonly misfortunes: number;
  /** How many of the tasks somebody may want to cancel. */
  readonly cancels: number;
  /** Whether attempts report progress. */
  readonly reports: boolean;
};

/** The protocol as it is; each rule is broken once, to see that it is needed and that the model notices. */
export type Rules = CallRules & {
  readonly acknowledges: 'after the write' | 'before the write';
  readonly reconciles: boolean;
};

export const asBuilt: Rules = {
  checksVersion: true,
  checksPosition: true,
  namesAttempt: true,
  readsBack: true,
  acknowledges: 'after the write',
  reconciles: true,
};

/** Somebody at the API who wants one thing: nothing asked yet, asked, and what was answered. */
export type Client = { readonly told: 'nothing' | 'accepted' | 'refused' | 'unknown'; readonly call: Call | undefined };

/** A run of a worker process; after a crash comes another. It has room for one task, and a number when somebody may ask for it. */
export type Worker = { readonly number: number } & (
  | { readonly at: 'free' }
  | { readonly at: 'claiming'; readonly call: Call }
  | (Turn & { readonly at: 'working' })
  | (Turn & { readonly at: 'reporting' | 'settling'; readonly call: Call })
);
/** What a worker knows of the attempt it runs, which may long be another's. */
export type Turn = {
  readonly task: number;
  readonly attempt: number;
  readonly known: TaskLife;
  readonly cancelled: boolean;
  readonly reported: boolean;
};

export type State = Net & {
  readonly submits: readonly Client[];
  readonly cancels: readonly Client[];
  readonly workers: readonly Worker[];
  readonly reconcilers: readonly (Call | undefined)[];
  /** Whether a message that names the task waits in a queue, or is in the hands of a worker that has not deleted it. */
  readonly queue: readonly boolean[];
};

export type World = { readonly bounds: Bounds; readonly rules: Rules };

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

export const initialState = ({ bounds }: World): State => ({
  tasks: times(bounds.tasks, () => ({ life: taskLives.unborn, silent: true })),
  log: { head: 0, unread: [] },
  late: [],
  misfortunes: bounds.misfortunes,
  submits: times(bounds.tasks, () => ({ told: 'nothing', call: undefined })),
  cancels: times(bounds.cancels, () => ({ told: 'nothing', call: undefined })),
  workers: times(bounds.workers, () => ({ number: 0, at: 'free' })),
  reconcilers: times(bounds.reconcilers, () => undefined),
  queue: times(bounds.tasks, () => false),
});

/** The task as its row shows it, where there is one. */
export const rowOf = ({ tasks }: State, index: number) => {
  const row = tasks[index]?.life.row ?? absent;
  return row.status === 'absent' ? undefined : row;
};

/** One thing more goes wrong. */
export const spend = <N extends Net>(net: N): N => ({ ...net, misfortunes: net.misfortunes - 1 });

/** What a crash leaves of a call: a transaction that was sent may still happen. */
export const abandon = <N extends Net>(net: N, call: Call | undefined): N =>
  call?.at === 'sent' ? { ...net, late: [...net.late, call.write] } : net;

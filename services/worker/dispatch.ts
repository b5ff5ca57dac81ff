/** Decides what this worker does with a task it hears of: run it, keep it for a busy session, or leave it to whom it belongs. */
import { Task } from '#events/task.ts';
import type { StreamId } from '#events/envelope.ts';
import type { SessionId } from '#events/ids.ts';
import type { Log } from '#platform/log.ts';
import type { ReadRow } from '#platform/store.ts';
import type { TaskRuns } from './run-task.ts';
import { sessionOf } from './sessions.ts';
import type { Whereabouts } from './sessions.ts';

/** Word of a task that may be pending. Nothing in it is believed but the name: the row decides. */
export type Hint = {
  readonly stream: StreamId;
  /** The trace of the message behind the hint. */
  readonly traceparent?: string | undefined;
  /** Keeps the message behind the hint from others while the task runs. */
  readonly extend: () => Promise<void>;
  /** The message has done its work. */
  readonly done: () => Promise<void>;
};

export type DispatchDeps = {
  readonly readRow: ReadRow;
  readonly runs: TaskRuns;
  readonly whereabouts: (task: Task) => Promise<Whereabouts>;
  readonly clock: () => number;
  readonly log: Log;
};

/** `waiting`: the session is at work, and the task comes back by `ready` when it is not. */
export type Dispatched = 'ran' | 'not-pending' | 'elsewhere' | 'waiting';

export type Dispatcher = {
  readonly dispatch: (hint: Hint) => Promise<Dispatched>;
  /** Takes the oldest task of every session that is free again, however the task before it ended. */
  readonly ready: () => readonly StreamId[];
  /** It will be taken up when its session is free, and needs no other word. */
  readonly isWaiting: (stream: StreamId) => boolean;
};

/** Heard of twice, looked at once: the log, a message and the reconciler may all name the same task. */
const once = (decide: (hint: Hint) => Promise<Dispatched>): ((hint: Hint) => Promise<Dispatched>) => {
  const inHand = new Set<StreamId>();
  return async (hint) => {
    const { stream } = hint;
    if (inHand.has(stream)) return 'not-pending';
    inHand.add(stream);
    try {
      return await decide(hint);
    } finally {
      inHand.delete(stream);
    }
  };
};

/** The tasks that wait for sessions at work. */
const waitingRoom = () => {
  const waiting = new Map<SessionId, Set<StreamId>>();
  return {
    add: (sessionId: SessionId, stream: StreamId): void => {
      waiting.set(sessionId, (waiting.get(sessionId) ?? new Set()).add(stream));
    },
    has: (stream: StreamId): boolean => [...waiting.values()].some((streams) => streams.has(stream)),
    sessions: (): readonly SessionId[] => [...waiting.keys()],
    takeOldest: (sessionId: SessionId): StreamId[] => {
      const streams = waiting.get(sessionId);
      // Task ids sort by the time they were made, so a conversation goes on in the order in which it was spoken.
      const oldest = [...(streams ?? [])].sort().slice(0, 1);
      for (const stream of oldest) streams?.delete(stream);
      if (streams?.size === 0) waiting.delete(sessionId);
      return oldest;
    },
  };
};

export const dispatcher = ({ readRow, runs, whereabouts, clock, log }: DispatchDeps): Dispatcher => {
  const waiting = waitingRoom();
  /** From the decision to the end of the run: two tasks of one conversation never look at its session at once. */
  const taken = new Set<SessionId>();

  const decide = async (hint: Hint): Promise<Dispatched> => {
    const stored = await readRow(hint.stream);
    if (!stored) return 'not-pending';
    const task = Task.parse(stored.row);
    const sessionId = sessionOf(task, clock());
    if (task.status !== 'pending' || runs.isRunning(task.taskId)) return 'not-pending';
    if (taken.has(sessionId)) {
      waiting.add(sessionId, hint.stream);
      return 'waiting';
    }
    taken.add(sessionId);
    try {
      if ((await whereabouts(task)) === 'elsewhere') return 'elsewhere';
      const { extend, traceparent = task.traceparent } = hint;
      await runs.run({ task, version: stored.version, sessionId, extend, traceparent });
      return 'ran';
    } finally {
      taken.delete(sessionId);
    }
  };

  const decideOnce = once(decide);

  return {
    dispatch: async (hint) => {
      const outcome = await decideOnce(hint);
      log('hint.dispatched', { stream: hint.stream, outcome });
      await hint.done();
      return outcome;
    },
    isWaiting: waiting.has,
    ready: () => waiting.sessions().flatMap((id) => (taken.has(id) ? [] : waiting.takeOldest(id))),
  };
};

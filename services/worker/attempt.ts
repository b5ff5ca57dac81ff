/** One attempt as its worker sees it: what it may write, the sign of life, and everything that can end it early. */
import type { TaskId, WorkerId } from '#events/ids.ts';
import type { Task, TaskCommand, TaskRefusal } from '#events/task.ts';
import type { Handle, Loaded } from '#platform/handle.ts';
import type { Log } from '#platform/log.ts';
import type { Condition, MarkRow, Origin } from '#platform/store.ts';

/** The first cause that ends an attempt is the one that counts; but an attempt that is lost is lost, whatever ended it first. */
export type StopCause = 'cancelled' | 'timed-out' | 'budget-exceeded' | 'shutdown' | 'lost';

/** A worker without a sign of life for this long has lost its tasks. */
export const leaseMs = 30_000;
export const beatMs = 10_000;

export class Attempt {
  readonly taskId: TaskId;
  readonly origin: Origin;
  readonly #handle: Handle<Task, TaskCommand, TaskRefusal>;
  readonly #stop = new AbortController();
  #known: Loaded<Task>;
  #cause: StopCause | undefined;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(handle: Handle<Task, TaskCommand, TaskRefusal>, origin: Origin, task: Task, version: number) {
    this.#handle = handle;
    this.taskId = task.taskId;
    this.origin = origin;
    this.#known = { state: task, version };
  }

  /** As the last write left it. */
  get task(): Task {
    const { state } = this.#known;
    if (state.status === 'absent') throw new Error(`${this.taskId} is gone`);
    return state;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get cause(): StopCause | undefined {
    return this.#cause;
  }

  stop(cause: StopCause): void {
    if (cause === 'lost') this.#cause = cause;
    this.#cause ??= cause;
    this.#stop.abort(this.#cause);
  }

  /**
   * Carries a command out after all earlier ones. True when it is stored; false when the attempt is no longer ours, which
   * stops it. A cancel that was requested meanwhile is noticed here as well. Throws when the store cannot be reached.
   */
  write(command: TaskCommand, marks: { heartbeatAt: number }): Promise<boolean> {
    const written = this.#tail.then(async () => {
      const known = this.#known;
      const handled = await this.#handle(`task/${this.taskId}`, command, this.origin, { known, marks });
      if (handled.outcome === 'appended' || handled.outcome === 'unchanged') {
        this.#known = handled;
        const { state } = handled;
        if (state.status === 'processing' && state.cancelRequestedAt !== undefined) this.stop('cancelled');
        return true;
      }
      this.stop('lost');
      return false;
    });
    this.#tail = written.catch(() => undefined);
    return written;
  }
}

const held = (workerId: WorkerId, attempt: number): readonly Condition[] => [
  { field: 'workerId', is: 'equal', to: workerId },
  { field: 'attempt', is: 'equal', to: attempt },
  { field: 'status', is: 'equal', to: 'processing' },
];

export type HeartbeatDeps = {
  readonly markRow: MarkRow;
  readonly workerId: WorkerId;
  readonly clock: () => number;
  readonly log: Log;
  /** Anything else that must be told that the work goes on, such as the message behind it. */
  readonly alongside: () => Promise<void>;
};

/**
 * Marks the task row every `beatMs`. A row that is no longer held, or that could not be marked for a whole lease, ends the
 * attempt: whoever took the task over must not find a second agent at work.
 */
export const heartbeat = (attempt: Attempt, number: number, deps: HeartbeatDeps): Disposable => {
  const { markRow, workerId, clock, log, alongside } = deps;
  // How long ago is not for the wall clock to say: it may be set while the agent works.
  let markedAt = performance.now();
  const beat = async (): Promise<void> => {
    const begun = performance.now();
    try {
      const marked = await markRow(`task/${attempt.taskId}`, { heartbeatAt: clock() }, held(workerId, number));
      if (marked === 'refused') attempt.stop('lost');
      else markedAt = begun;
      await alongside();
    } catch (fault) {
      log.problem('heartbeat.failed', { taskId: attempt.taskId, reason: String(fault) });
    }
    if (performance.now() - markedAt >= leaseMs) attempt.stop('lost');
  };
  const timer = setInterval(() => void beat(), beatMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
};

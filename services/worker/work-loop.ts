/** Takes work while there is a free session: what was offered inside the worker first, then what the queues hold. */
import type { StreamId } from '#events/envelope.ts';
import type { Log } from '#platform/log.ts';
import type { Dispatcher, Hint } from './dispatch.ts';

/** Waits for the best message of the work queues; nothing when `signal` aborts first. */
export type TakeHint = (signal: AbortSignal) => Promise<Hint | undefined>;

/** Tasks this worker heard of by other means than a message: the log, the reconciler, a session that became free. */
export class Offers {
  readonly #streams = new Set<StreamId>();
  #arrived = new AbortController();

  add(stream: StreamId): void {
    this.#streams.add(stream);
    this.#arrived.abort();
  }

  take(): StreamId | undefined {
    const [stream] = this.#streams;
    if (stream !== undefined) this.#streams.delete(stream);
    return stream;
  }

  /** Aborts when the next offer arrives. */
  get arrived(): AbortSignal {
    if (this.#streams.size === 0 && this.#arrived.signal.aborted) this.#arrived = new AbortController();
    return this.#arrived.signal;
  }
}

/** A task that was offered, not sent: there is no message to hold or to end. */
const offered = (stream: StreamId): Hint => ({ stream, extend: async () => undefined, done: async () => undefined });

export type WorkLoop = {
  readonly sessionsMax: number;
  readonly offers: Offers;
  readonly takeHint: TakeHint;
  readonly dispatcher: Dispatcher;
  readonly log: Log;
};

/** Runs until `stop` aborts, then resolves when every task that was taken has been given its end. */
export const workLoop = async (loop: WorkLoop, stop: AbortSignal): Promise<void> => {
  const { sessionsMax, offers, takeHint, dispatcher, log } = loop;
  const running = new Set<Promise<void>>();

  const nextHint = async (): Promise<Hint | undefined> => {
    const stream = offers.take();
    if (stream !== undefined) return offered(stream);
    return takeHint(AbortSignal.any([stop, offers.arrived]));
  };

  const dispatch = async (hint: Hint): Promise<void> => {
    try {
      await dispatcher.dispatch(hint);
    } catch (fault) {
      // The message comes back, and the reconciler looks as well.
      log.problem('task.not-dispatched', { stream: hint.stream, reason: String(fault) });
    }
    // What waits for a session is left to us by everybody else, so a fault may not keep it waiting.
    dispatcher.ready().forEach((stream) => offers.add(stream));
  };

  while (!stop.aborted) {
    if (running.size >= sessionsMax) {
      await Promise.race(running);
      continue;
    }
    const hint = await nextHint();
    if (!hint) continue;
    const dispatched: Promise<void> = dispatch(hint).finally(() => running.delete(dispatched));
    running.add(dispatched);
  }
  await Promise.all(running);
};

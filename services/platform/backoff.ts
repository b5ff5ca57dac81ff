/** Waiting between tries: random, so that those who failed together do not try again together. */
import { setTimeout } from 'node:timers/promises';

/** Full jitter: anything from 0 to a bound that starts at `baseMs` and doubles with every earlier try, up to `capMs`. */
export const fullJitter = (earlierTries: number, baseMs: number, capMs: number): number =>
  Math.random() * Math.min(capMs, baseMs * 2 ** earlierTries);

/** Resolves after `ms`, or as soon as `signal` aborts; the caller looks at the signal next, as it would anyway. */
export const pause = async (ms: number, signal?: AbortSignal): Promise<void> => {
  await setTimeout(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
};

/** The one place that waits out contention: somebody else was writing the same item at the same moment, or too much at once. */
import { fullJitter, pause } from '../backoff.ts';

/** `contended`: somebody or something was in the way, nothing was changed, and this is what said so. */
export type Try<Result> = { readonly done: Result } | { readonly contended: unknown };

const pauseBaseMs = 5;
const pauseCapMs = 400;
/** Whoever still loses then is better off telling its caller. Where every request is slow, that is long before sixty tries. */
const calmWithinMs = 10_000;

export const untilCalm = async <Result>(
  what: string,
  attempt: () => Promise<Try<Result>>,
  triesMax = 60,
): Promise<Result> => {
  let cause: unknown;
  const until = performance.now() + calmWithinMs;
  for (let tries = 0; tries < triesMax; tries += 1) {
    const result = await attempt();
    if ('done' in result) return result.done;
    cause = result.contended;
    if (performance.now() > until) break;
    await pause(fullJitter(tries, pauseBaseMs, pauseCapMs));
  }
  throw new Error(`${what}: no end of contention in ${triesMax} tries or ${calmWithinMs} ms`, { cause });
};

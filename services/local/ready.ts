/** Waiting until the API says that it can work. */
import { pause } from '#platform/backoff.ts';
import { StartFault } from '#platform/lifetime.ts';

/** A machine that is that slow is stuck. */
const withinMs = 60_000;

/** Resolves when `GET /ready` is 200, or `signal` aborts; throws `StartFault` when neither comes in time. */
export const untilReady = async (url: string, logs: string, signal: AbortSignal): Promise<void> => {
  const deadline = performance.now() + withinMs;
  let last = 'nothing answers';
  while (!signal.aborted) {
    try {
      const answer = await fetch(`${url}/ready`, { signal: AbortSignal.any([signal, AbortSignal.timeout(2_000)]) });
      last = `${answer.status} ${await answer.text()}`;
      if (answer.ok) return;
    } catch {
      // Not yet.
    }
    if (performance.now() > deadline) {
      throw new StartFault(`${url} is not ready after ${withinMs / 1000} s (${last}); the logs are in ${logs}`);
    }
    await pause(20, signal);
  }
};

/** Waiting for what only asking can tell. */
import { setTimeout as pause } from 'node:timers/promises';

/** Asks until there is an answer; throws `message` when there is none within `limitMs`. */
export const eventually = async <Answer>(
  ask: () => Promise<Answer | undefined> | Answer | undefined,
  message: string,
  limitMs = 10_000,
): Promise<Answer> => {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(message);
    await pause(10);
  }
};

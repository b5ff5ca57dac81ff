/** Facts at a steady rate, of whichever task chance names. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '#test/support/random.ts';
import type { Work } from './writer.ts';

const waitingMax = 50;

/** Each task in its own turn: facts of one task are appended one after the other, as its one worker would. */
export const speakSteadily = async (
  works: readonly [Work, ...Work[]],
  perSecond: number,
  random: Random,
  signal: AbortSignal,
): Promise<number> => {
  const turns = new Map<Work, Promise<void>>();
  const start = performance.now();
  let said = 0;
  let waiting = 0;
  while (!signal.aborted) {
    const due = ((performance.now() - start) / 1000) * perSecond;
    // On a machine that cannot keep up the rate is lower; what is owed is not piled up.
    for (; said < due && waiting < waitingMax; said += 1) {
      const work = random.oneOf(works);
      const text = 'word '.repeat(1 + random.below(40));
      const turn = (turns.get(work) ?? Promise.resolve()).then(() => work.speak(text));
      waiting += 1;
      turns.set(
        work,
        turn.finally(() => (waiting -= 1)).then(() => undefined),
      );
    }
    await pause(5);
  }
  await Promise.all(turns.values());
  return said;
};

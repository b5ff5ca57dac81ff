/** What an exploration counted, for people. */
import type { Explored } from './search.ts';

export const countsOf = ({ states, transitions, depth, owedAtMost, seconds }: Explored) => ({
  ...{ states, transitions, depth },
  'owed steps at most': owedAtMost,
  seconds: seconds.toFixed(1),
});

/** Chance that can be repeated: the same seed and name give the same numbers on every machine. */
import { createHash } from 'node:crypto';

export type Random = {
  /** From 0 (included) to 1 (excluded). */
  readonly next: () => number;
  /** A whole number from 0 to `end - 1`. */
  readonly below: (end: number) => number;
  readonly oneOf: <T>(choices: readonly [T, ...T[]]) => T;
};

/** Mulberry32 by Tommy Ettinger (public domain): 32 bits of state, good enough to choose with. */
export const randomFrom = (seed: number, name = ''): Random => {
  let state = createHash('sha256').update(`${seed}/${name}`).digest().readUInt32LE();
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(next() * end);
  return { next, below, oneOf: (choices) => choices[below(choices.length)] ?? choices[0] };
};

/** How hard a programme tries and by which chance: `EFFORT=ci|full` and `SEED=<number>`; both are printed with what it counted. */
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import { randomFrom } from '#test/support/random.ts';
import type { Random } from '#test/support/random.ts';

const Settings = z.object({
  EFFORT: z.enum(['ci', 'full']).default('full'),
  SEED: z.coerce
    .number()
    .pipe(z.uint32())
    .default(() => randomInt(2 ** 32)),
});

export const { EFFORT: effort, SEED: seed } = Settings.parse(process.env);

/** How many, how long: bounded where every change waits for it, and in full on demand. */
export const byEffort = <T>(choices: { readonly ci: T; readonly full: T }): T => choices[effort];

/** The chance of one part of a programme; the same seed and name give the same again. */
export const chance = (name: string): Random => randomFrom(seed, name);

/** What was tried and found, in the runner's own output, with the seed that repeats it. */
export const printCounts = (test: TestContext, counts: Readonly<Record<string, number | string>>): void => {
  const told = Object.entries(counts).map(([what, count]) => `${what} ${count}`);
  test.diagnostic([...told, `effort ${effort}`, `seed ${seed}`].join(' · '));
};

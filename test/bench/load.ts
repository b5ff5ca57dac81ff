/** A closed loop: so many workers at once, each beginning its next operation when its last has ended. */
import { z } from 'zod';
import { percentile } from './rounds.ts';

/** Every worker does its share: `operations` is a multiple of `concurrency`. */
export const Load = z.object({ operations: z.int().positive(), concurrency: z.int().positive() });
export type Load = z.infer<typeof Load>;

/** As the process saw it that made the load; `cpuMicros` is its own, per operation. */
export const Loaded = z.object({
  perSecond: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  cpuMicros: z.number(),
});
export type Loaded = z.infer<typeof Loaded>;

/** `operate` is told by which worker and, of that worker, which operation it is; both are counted from 0. */
export const closedLoop = async (
  { operations, concurrency }: Load,
  operate: (worker: number, nth: number) => Promise<unknown>,
): Promise<Loaded> => {
  const durations: number[] = [];
  const work = async (worker: number): Promise<void> => {
    for (let nth = 0; nth < operations / concurrency; nth += 1) {
      const startedAt = performance.now();
      await operate(worker, nth);
      durations.push(performance.now() - startedAt);
    }
  };
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrency }, (_, worker) => work(worker)));
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    perSecond: durations.length / seconds,
    p50Ms: percentile(durations, 50),
    p99Ms: percentile(durations, 99),
    cpuMicros: (user + system) / durations.length,
  };
};

/** Read and submit where few, many and very many finished tasks are stored already, on three systems that run at once. */
import { cp } from 'node:fs/promises';
import { z } from 'zod';
import { byEffort } from '#test/proof/effort.ts';
import { startAws } from '#test/support/aws.ts';
import { temporaryDir } from '#test/support/system.ts';
import { startApiProcess } from './api.ts';
import { ratio } from './figure.ts';
import type { Figure } from './figure.ts';
import type { Load, Loaded } from './load.ts';
import { progress, rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { requestsTo } from './requests.ts';
import { interleave } from './rounds.ts';
import { prefix, seededStore, taskIdOf } from './seed.ts';

/** A million takes a quarter of an hour to make the first time, and 20 GB of disk. */
const most = z.coerce.number().int().positive().default(1_000_000).parse(process.env['STORED_TASKS_MAX']);
const counts = byEffort({ ci: [100, 1_000], full: [100, 10_000, 1_000_000] }).filter((count) => count <= most);
const load: Load = { concurrency: 1, operations: byEffort({ ci: 50, full: 400 }) };
/** Spread over all that is stored, so that what was read last is no help. */
const readsOf = (count: number): string[] =>
  Array.from({ length: load.operations }, (_, n) => `/api/task/${taskIdOf((n * 7_919) % count)}`);

export const storedTasks: Measurement = async () => {
  await using opened = new AsyncDisposableStack();
  const systems = [];
  for (const count of counts) {
    const seeded = await seededStore(count);
    const copy = opened.use(await temporaryDir());
    await cp(seeded, copy.path, { recursive: true });
    const aws = opened.use(await startAws({ dataDir: copy.path, prefix }));
    systems.push({ count, requests: opened.use(requestsTo(opened.use(await startApiProcess(aws)))) });
  }
  const figures: Figure[] = [];
  const compare = async (what: string, sides: readonly (() => Promise<Loaded>)[]): Promise<void> => {
    progress(`${what} at ${counts.join(', ')} stored tasks`);
    await interleave(1, sides);
    const [few = [], ...more] = await interleave(rounds, sides);
    const p50 = (loaded: readonly Loaded[]): number[] => loaded.map(({ p50Ms }) => p50Ms);
    more.forEach((many, index) => {
      const compared = { theirs: p50(few), with: `at ${counts[0] ?? 0} stored tasks`, target: { atMost: 1.1 } };
      figures.push(
        ratio({
          what: `${what} at ${counts[index + 1] ?? 0} stored tasks: p50`,
          unit: 'ms',
          ours: p50(many),
          ...compared,
        }),
      );
    });
  };
  await compare(
    'read',
    systems.map(
      ({ count, requests }) =>
        () =>
          requests.get(load, readsOf(count)),
    ),
  );
  await compare(
    'submit',
    systems.map(
      ({ requests }) =>
        () =>
          requests.submit(load),
    ),
  );
  return figures;
};

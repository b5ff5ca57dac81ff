/** `append` against the raw transaction of the same items; and the raw transaction against itself, once and twice for one. */
import { createTables } from '#platform/dynamodb/tables.ts';
import { namesOf } from '#platform/names.ts';
import { byEffort } from '#test/proof/effort.ts';
import { startTestDynamoDb } from '#test/support/dynamodb.ts';
import { awsEnvironment } from '../../services/local/environment.ts';
import { startChild } from './child.ts';
import { ratio } from './figure.ts';
import type { Figure } from './figure.ts';
import { Loaded } from './load.ts';
import type { Load } from './load.ts';
import { progress, rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { interleave } from './rounds.ts';

const loads: readonly Load[] = [
  { concurrency: 1, operations: byEffort({ ci: 100, full: 800 }) },
  { concurrency: 16, operations: byEffort({ ci: 320, full: 3_200 }) },
];

const speed = (loaded: readonly Loaded[]): number[] => loaded.map(({ perSecond }) => perSecond);
const cpu = (loaded: readonly Loaded[]): number[] => loaded.map(({ cpuMicros }) => cpuMicros);

export const append: Measurement = async () => {
  await using opened = new AsyncDisposableStack();
  const db = opened.use(await startTestDynamoDb());
  const env = awsEnvironment({ dynamodb: db.endpoint, queues: db.endpoint, json: db.endpoint });
  const writer = async (prefix: string) => {
    await createTables(db.connect(), namesOf(prefix));
    return opened.use(startChild('store', { ...env, RESOURCE_PREFIX: prefix }));
  };
  const [ours, raw, same, double] = [
    await writer('ours'),
    await writer('raw'),
    await writer('same'),
    await writer('double'),
  ];
  const figures: Figure[] = [];
  for (const load of loads) {
    const job = { ...load, of: 'report' };
    const sides = [
      () => ours.ask('append', job, Loaded),
      () => raw.ask('transact', job, Loaded),
      () => same.ask('transact', job, Loaded),
      () => double.ask('transact', { ...job, times: 2 }, Loaded),
    ];
    progress(`append, ${load.concurrency} at once`);
    await interleave(1, sides);
    const [appended = [], sent = [], again = [], twice = []] = await interleave(rounds, sides);
    const at = `${load.concurrency} at once`;
    const compared = { unit: '/s', theirs: speed(sent), with: 'raw TransactWriteItems' } as const;
    figures.push(
      ratio({ what: `append, ${at}`, ...compared, ours: speed(appended), target: { atLeast: 0.9 } }),
      ratio({
        what: `append, ${at}: CPU of the writer`,
        unit: 'µs CPU',
        ours: cpu(appended),
        theirs: cpu(sent),
        with: compared.with,
      }),
      ratio({ what: `control: the raw transaction once more, ${at}`, ...compared, ours: speed(again) }),
      ratio({
        what: `control: two raw transactions for one, ${at}`,
        ...compared,
        ours: speed(twice),
        target: { atMost: 0.65 },
      }),
    );
  }
  return figures;
};

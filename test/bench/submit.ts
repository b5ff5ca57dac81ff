/** `POST /api/chat` against the raw transaction of the same items, each sent by a process of its own to the same engine. */
import { createTables } from '#platform/dynamodb/tables.ts';
import { namesOf } from '#platform/names.ts';
import { byEffort } from '#test/proof/effort.ts';
import { startAws } from '#test/support/aws.ts';
import { startApiProcess } from './api.ts';
import { startChild } from './child.ts';
import { ratio } from './figure.ts';
import type { Figure } from './figure.ts';
import { Loaded } from './load.ts';
import type { Load } from './load.ts';
import { progress, rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { requestsTo } from './requests.ts';
import { interleave } from './rounds.ts';
import { withCpuOf } from './usage.ts';

const loads: readonly Load[] = [
  { concurrency: 1, operations: byEffort({ ci: 100, full: 800 }) },
  { concurrency: 16, operations: byEffort({ ci: 320, full: 3_200 }) },
];

type Measured = Loaded & { readonly serverMicros: number };

const figuresOf = ({ concurrency }: Load, ours: readonly Measured[], raw: readonly Measured[]): Figure[] => {
  const what = `submit, ${concurrency} at once`;
  const of = (pick: (measured: Measured) => number) => ({ ours: ours.map(pick), theirs: raw.map(pick) });
  const compared = { with: 'raw TransactWriteItems' };
  return [
    ratio({ what, unit: '/s', ...of(({ perSecond }) => perSecond), ...compared, target: { atLeast: 0.7 } }),
    ratio({ what: `${what}: p99`, unit: 'ms', ...of(({ p99Ms }) => p99Ms), ...compared }),
    ratio({ what: `${what}: CPU of the API`, unit: 'µs CPU', ...of(({ serverMicros }) => serverMicros), ...compared }),
  ];
};

export const submit: Measurement = async () => {
  await using opened = new AsyncDisposableStack();
  const aws = opened.use(await startAws());
  const rawPrefix = `${aws.env['RESOURCE_PREFIX'] ?? ''}-raw`;
  await createTables(aws.clients.dynamodb, namesOf(rawPrefix));
  const api = opened.use(await startApiProcess(aws));
  const client = opened.use(requestsTo(api));
  const raw = opened.use(startChild('store', { ...aws.env, RESOURCE_PREFIX: rawPrefix }));

  const throughApi = async (load: Load): Promise<Measured> => {
    const { value, cpuMicros } = await withCpuOf(api.pid, () => client.submit(load));
    return { ...value, serverMicros: cpuMicros / load.operations };
  };
  const directly = async (load: Load): Promise<Measured> => {
    const loaded = await raw.ask('transact', { ...load, of: 'submit' }, Loaded);
    return { ...loaded, serverMicros: loaded.cpuMicros };
  };
  const figures: Figure[] = [];
  for (const load of loads) {
    progress(`submit, ${load.concurrency} at once`);
    const sides = [() => throughApi(load), () => directly(load)];
    await interleave(1, sides);
    const [ours = [], theirs = []] = await interleave(rounds, sides);
    figures.push(...figuresOf(load, ours, theirs));
  }
  return figures;
};

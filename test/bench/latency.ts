/** How long one request takes when nobody else asks: health, submit, read. */
import { byEffort } from '#test/proof/effort.ts';
import { startAws } from '#test/support/aws.ts';
import { client } from '#test/support/system.ts';
import { startApiProcess } from './api.ts';
import { amount } from './figure.ts';
import type { Figure } from './figure.ts';
import type { Load, Loaded } from './load.ts';
import { rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { message } from './recorded.ts';
import { requestsTo } from './requests.ts';
import { interleave } from './rounds.ts';

const load: Load = { concurrency: 1, operations: byEffort({ ci: 100, full: 500 }) };

/** In milliseconds: what half of the requests may take, and what only one in a hundred may exceed. */
const limits = { health: { p50: 1, p99: 10 }, submit: { p50: 10, p99: 100 }, read: { p50: 5, p99: 50 } } as const;

export const latency: Measurement = async () => {
  await using opened = new AsyncDisposableStack();
  const api = opened.use(await startApiProcess(opened.use(await startAws())));
  const requests = opened.use(requestsTo(api));
  const { submit } = client(api.url, api.key);
  const tasks = await Promise.all(Array.from({ length: 20 }, () => submit(message)));
  const sides = [
    () => requests.get(load, ['/health']),
    () => requests.submit(load),
    () =>
      requests.get(
        load,
        tasks.map((taskId) => `/api/task/${taskId}`),
      ),
  ];
  await interleave(1, sides);
  const measured = await interleave(rounds, sides);
  return Object.entries(limits).flatMap(([what, { p50, p99 }], index): Figure[] => {
    const of = (pick: (loaded: Loaded) => number) => (measured[index] ?? []).map(pick);
    return [
      amount({ what: `${what}: p50`, unit: 'ms', ours: of(({ p50Ms }) => p50Ms), target: { atMost: p50 } }),
      amount({ what: `${what}: p99`, unit: 'ms', ours: of(({ p99Ms }) => p99Ms), target: { atMost: p99 } }),
    ];
  });
};

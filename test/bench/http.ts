/** What our middleware costs: the API on a store in memory against bare Hono that gives the same answers. */
import { z } from 'zod';
import { byEffort } from '#test/proof/effort.ts';
import { startChild } from './child.ts';
import { ratio } from './figure.ts';
import type { Figure } from './figure.ts';
import type { Load, Loaded } from './load.ts';
import { progress, rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { requestsTo } from './requests.ts';
import { interleave } from './rounds.ts';
import { withCpuOf } from './usage.ts';

const load: Load = { concurrency: 16, operations: byEffort({ ci: 1_600, full: 16_000 }) };
const Served = z.object({ url: z.url(), key: z.string(), paths: z.object({ read: z.string(), health: z.string() }) });
const routes = ['health', 'read'] as const;

type Measured = Loaded & { readonly serverMicros: number };

export const http: Measurement = async () => {
  await using opened = new AsyncDisposableStack();
  const serve = async (which: 'ours' | 'bare') => {
    const server = opened.use(startChild('http-server'));
    const served = await server.ask(which, undefined, Served);
    const requests = opened.use(requestsTo(served));
    return (route: (typeof routes)[number]) => async (): Promise<Measured> => {
      const { value, cpuMicros } = await withCpuOf(server.pid, () => requests.get(load, [served.paths[route]]));
      return { ...value, serverMicros: cpuMicros / load.operations };
    };
  };
  const [ours, bare] = [await serve('ours'), await serve('bare')];
  const figures: Figure[] = [];
  for (const route of routes) {
    progress(`http, ${route}`);
    const sides = [ours(route), bare(route)];
    await interleave(1, sides);
    const [measured = [], theirs = []] = await interleave(rounds, sides);
    const of = (pick: (one: Measured) => number) => ({ ours: measured.map(pick), theirs: theirs.map(pick) });
    const compared = { with: 'bare Hono' };
    figures.push(
      ratio({ what: `HTTP, ${route}`, unit: '/s', ...of(({ perSecond }) => perSecond), ...compared }),
      ratio({
        what: `HTTP, ${route}: CPU of the server`,
        unit: 'µs CPU',
        ...of(({ serverMicros }) => serverMicros),
        ...compared,
      }),
    );
  }
  return figures;
};

/** A burst of reports to many readers of one task: the API on a store in memory against the same bytes sent with `ws` alone. */
import { z } from 'zod';
import { byEffort } from '#test/proof/effort.ts';
import { startChild } from './child.ts';
import { ratio } from './figure.ts';
import { progress, rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { interleave } from './rounds.ts';
import { withCpuOf } from './usage.ts';

const sockets = byEffort({ ci: 100, full: 1_000 });
const messages = byEffort({ ci: 50, full: 100 });

const Served = z.object({
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  subscribe: z.string(),
  answer: z.int(),
});

export const fanOut: Measurement = async () => {
  await using opened = new AsyncDisposableStack();
  const serve = async (which: 'ours' | 'bare') => {
    const server = opened.use(startChild('fan-out-server'));
    const listeners = opened.use(startChild('listeners'));
    const served = await server.ask(which, (rounds + 1) * messages, Served);
    await listeners.ask('open', { ...served, sockets }, z.undefined());
    await listeners.ask('expect', sockets * served.answer, z.undefined());
    return async () => {
      const bytes = await server.ask('size', messages, z.int());
      const heard = listeners.ask('expect', sockets * bytes, z.undefined());
      const startedAt = performance.now();
      const { cpuMicros } = await withCpuOf(server.pid, async () => {
        await server.ask('burst', messages, z.undefined());
        await heard;
      });
      const deliveries = sockets * messages;
      const perSecond = deliveries / ((performance.now() - startedAt) / 1000);
      return { perSecond, serverMicros: cpuMicros / deliveries };
    };
  };
  const sides = [await serve('ours'), await serve('bare')];
  progress(`${messages} messages to ${sockets} sockets`);
  await interleave(1, sides);
  const [ours = [], theirs = []] = await interleave(rounds, sides);
  const of = (pick: (measured: (typeof ours)[number]) => number) => ({
    ours: ours.map(pick),
    theirs: theirs.map(pick),
  });
  const what = `fan-out to ${sockets} sockets`;
  const compared = { with: '`ws` alone' };
  return [
    ratio({ what: `${what}: deliveries`, unit: '/s', ...of(({ perSecond }) => perSecond), ...compared }),
    ratio({
      what: `${what}: CPU per delivery`,
      unit: 'µs CPU',
      ...of(({ serverMicros }) => serverMicros),
      ...compared,
    }),
  ];
};

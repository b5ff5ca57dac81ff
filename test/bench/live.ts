/** From the beginning of an append to the message on the WebSocket, with one, a hundred and a thousand readers of the stream. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { byEffort } from '#test/proof/effort.ts';
import { startAws } from '#test/support/aws.ts';
import { startApiProcess } from './api.ts';
import { startChild } from './child.ts';
import type { Child } from './child.ts';
import { amount } from './figure.ts';
import type { Figure } from './figure.ts';
import { progress, rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import type { Target } from './requests.ts';
import { interleave, percentile } from './rounds.ts';

const sizes = byEffort({ ci: [1, 100], full: [1, 100, 1_000] });
const writes = byEffort({ ci: 10, full: 40 });
/** A task reports four times a second at most; here no report waits behind the one before. */
const betweenMs = 250;

const Written = z.object({ beganAt: z.number() });
const Heard = z.array(z.array(z.number()));
export const Followed = z.object({ tookMs: z.number(), heard: z.array(z.int()) });

const deliver = async (api: Target, writer: Child, sockets: Child, size: number): Promise<number[]> => {
  const stream = await writer.ask('open', writes, z.string());
  const readers = { ...api, stream, sockets: size };
  await sockets.ask('open', readers, z.undefined());
  await sockets.ask('follow', readers, Followed);
  const hearing = sockets.ask('hear', writes, Heard);
  const began: number[] = [];
  for (let nth = 0; nth < writes; nth += 1) {
    began.push((await writer.ask('write', undefined, Written)).beganAt);
    await pause(betweenMs);
  }
  const heard = await hearing;
  await sockets.ask('close', undefined, z.undefined());
  return heard.flatMap((times) => times.map((time, nth) => time - (began[nth] ?? Number.NaN)));
};

export const live: Measurement = async () => {
  await using opened = new AsyncDisposableStack();
  const aws = opened.use(await startAws());
  const api = opened.use(await startApiProcess(aws));
  const writer = opened.use(startChild('writer', { ...aws.env }));
  const sockets = opened.use(startChild('sockets'));
  await deliver(api, writer, sockets, 1);
  const measure = (size: number) => async () => {
    progress(`live, ${size} sockets`);
    const delays = await deliver(api, writer, sockets, size);
    return { p50: percentile(delays, 50), p99: percentile(delays, 99) };
  };
  const measured = await interleave(rounds, sizes.map(measure));
  return sizes.flatMap((size, index): Figure[] => {
    const delays = measured[index] ?? [];
    const what = `append to WebSocket, ${size} ${size === 1 ? 'socket' : 'sockets'}`;
    const [p50, p99] = [delays.map((delay) => delay.p50), delays.map((delay) => delay.p99)];
    return [
      amount({ what: `${what}: p50`, unit: 'ms', ours: p50, ...(size === 1_000 && { target: { atMost: 60 } }) }),
      amount({ what: `${what}: p99`, unit: 'ms', ours: p99, ...(size === 1_000 && { target: { atMost: 250 } }) }),
    ];
  });
};

/** What a live channel costs, and that nothing is left of it once it is gone. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { byEffort, chance, printCounts } from '../effort.ts';
import { heldBy } from './deaf.ts';
import { bounded, openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { Subscriber } from './subscriber.ts';
import type { Account, Work } from './writer.ts';

const rounds = byEffort({ ci: 6, full: 40 });
const warmUp = 2;
const size = byEffort({ ci: 400, full: 1_000 });
const facts = 40;
const perSocketMax = 20_480;
const roundGrowthMax = 1_000_000;

describe('the memory of an instance', bounded, () => {
  let stage: Stage;
  let account: Account;
  /** Connections over which it was asked whether it is ready. */
  let idle: number;
  before(async () => {
    stage = await openStage({ RATE_PER_SECOND: '100000' });
    account = await stage.writer.invite('alice');
    idle = heldBy(stage.instances[0].port).size;
  });
  after(() => stage[Symbol.asyncDispose]());

  const join = async (count: number, wants: (n: number) => readonly string[]): Promise<Subscriber[]> => {
    const [{ url }] = stage.instances;
    const joined = Array.from({ length: count }, (_, n) => {
      // Always with the key: tickets are requests of their own, on connections of their own.
      const random = { ...chance(`round ${n}`), next: () => 0 };
      return new Subscriber({ url: () => url, key: account.key.key, wants: wants(n), random });
    });
    await eventually(() => joined.every((each) => each.isLive()) || undefined, 'not live', 60_000);
    return joined;
  };
  const leave = async (all: readonly Subscriber[]): Promise<void> => {
    await Promise.all(all.map((each) => each[Symbol.asyncDispose]()));
    const [{ port }] = stage.instances;
    await eventually(() => heldBy(port).size <= idle || undefined, 'somebody who left is still held', 10_000);
  };
  const half = (sorted: readonly number[]): number => sorted.toSorted((a, b) => a - b)[sorted.length >> 1] ?? 0;

  it('grows by less than 20 KB for a socket that waits', async (t) => {
    const [instance] = stage.instances;
    const work = await stage.writer.submit(account.accountId);
    await leave(await join(size, () => [work.stream]));
    const before = await instance.measure();
    const readers = await join(size, () => [work.stream]);
    const during = await instance.measure();
    await leave(readers);
    const after = await instance.measure();
    const perSocket = Math.round((during.held - before.held) / size);
    printCounts(t, {
      sockets: size,
      'bytes of a waiting socket': perSocket,
      'rss of a waiting socket': Math.round((during.rss - before.rss) / size),
      'bytes left of each': Math.round((after.held - before.held) / size),
    });
    assert.ok(perSocket < perSocketMax, `${perSocket} bytes`);
  });

  it('and its descriptors and timers are the same after every round of coming, listening and going', async (t) => {
    const [instance] = stage.instances;
    const works: Work[] = [];
    for (let n = 0; n < 10; n += 1) works.push(await stage.writer.submit(account.accountId));
    const held: number[] = [];
    const timers: number[] = [];
    const descriptors: number[] = [];
    for (let round = 0; round < rounds + warmUp; round += 1) {
      const streamOf = (n: number): string => (n % 5 === 0 ? '$mine' : (works[n % works.length]?.stream ?? ''));
      const readers = await join(size, (n) => [streamOf(n)]);
      for (const work of works) await work.speakAtOnce(Array.from({ length: facts }, (_, n) => `word ${n}`));
      const hasMore = (each: Subscriber, n: number): boolean => each.heard(streamOf(n)).length >= facts;
      await eventually(() => readers.every(hasMore) || undefined, 'somebody did not hear everything', 60_000);
      await leave(readers);
      const measured = await instance.measure();
      held.push(measured.held);
      timers.push(measured.timers);
      descriptors.push(instance.descriptors());
    }
    const steady = held.slice(warmUp);
    const growth = Math.round((half(steady.slice(rounds / 2)) - half(steady.slice(0, rounds / 2))) / (rounds / 2));
    printCounts(t, {
      rounds,
      sockets: size * rounds,
      'held MB': held.map((bytes) => (bytes / 1e6).toFixed(1)).join(' '),
      'growth of a round, bytes': growth,
      timers: timers.join(' '),
      descriptors: descriptors.join(' '),
      'peak rss MB': Math.round(instance.peakRss() / 1e6),
    });
    assert.ok(growth < roundGrowthMax, `${growth} bytes a round`);
    // A request on its way to the store has a timer and a connection too, which may be a new one; what is left behind stays.
    const timersMax = Math.max(...timers.slice(0, warmUp));
    const descriptorsMax = Math.max(...descriptors.slice(0, warmUp)) + 5;
    const isAsBefore = async (): Promise<true | undefined> =>
      ((await instance.measure()).timers <= timersMax && instance.descriptors() <= descriptorsMax) || undefined;
    await eventually(isAsBefore, `timers ${timers.join(' ')}, descriptors ${descriptors.join(' ')}`);
  });
});

/** Hundreds of subscribers, two instances that die and come back, and a log that goes on: everybody hears what is stored. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import type { Random } from '#test/support/random.ts';
import { byEffort, chance, printCounts } from '../effort.ts';
import { gather, settle } from './audience.ts';
import type { Member } from './audience.ts';
import { stir } from './chaos.ts';
import { inWords, measureLatency } from './latency.ts';
import type { Latencies } from './latency.ts';
import { speakSteadily } from './load.ts';
import { breachesOf, expectedOf, inBrief, readWhole } from './record.ts';
import { readSse } from './sse-reader.ts';
import { bounded, openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { Subscriber } from './subscriber.ts';
import type { Account, Work } from './writer.ts';

const size = byEffort({ ci: 450, full: 950 });
const perSecond = 60;
const calmMs = byEffort({ ci: 3_000, full: 30_000 });
const chaosMs = byEffort({ ci: 12_000, full: 300_000 });
const revokedOf = 20;
const revokedWithinMs = 5_000;
const burst = 5_000;

const first = <T>(all: readonly T[]): readonly [T, ...T[]] => {
  const [one, ...others] = all;
  assert.ok(one !== undefined);
  return [one, ...others];
};

describe('the live channel of two instances', bounded, () => {
  let stage: Stage;
  let latency: Latencies;
  let members: Member[] = [];
  const accounts: Account[] = [];
  const works: Work[] = [];
  const url = (random: Random): string => random.oneOf(stage.instances).url;
  const areLive = () => members.every(({ subscriber }) => subscriber.isLive()) || undefined;
  before(async () => {
    stage = await openStage();
    latency = measureLatency(stage.writer);
    for (let n = 0; n < 24; n += 1) accounts.push(await stage.writer.invite(`member ${n}`));
    accounts.push(await stage.writer.invite('operator', 'operator'));
    for (const { accountId } of [...accounts, ...accounts]) works.push(await stage.writer.submit(accountId));
    members = gather({ accounts: first(accounts), works, size, url, randomOf: chance, onLive: latency.onLive });
    await eventually(areLive, 'somebody is not live', 60_000);
  });
  after(async () => {
    await Promise.all(members.map(({ subscriber }) => subscriber[Symbol.asyncDispose]()));
    await stage[Symbol.asyncDispose]();
  });
  const delivered = (): number =>
    members.reduce((sum, { wants, subscriber }) => sum + wants.flatMap((want) => subscriber.heard(want)).length, 0);

  it('gives every subscriber exactly what is stored, in order', async (t) => {
    const spoken = await speakSteadily(first(works), perSecond, chance('calm'), AbortSignal.timeout(calmMs));
    assert.deepEqual(await settle(members, works, stage.writer.store), []);
    printCounts(t, { sockets: size, spoken, delivered: delivered(), latency: inWords(latency.take()) });
  });

  it('closes the sockets of a revoked key on both instances within five seconds, and no other', async (t) => {
    const { writer } = stage;
    const [account] = first(accounts);
    const second = await writer.anotherKey(account);
    await using held = new AsyncDisposableStack();
    const doomed = Array.from({ length: revokedOf }, (_, n) => {
      const random = chance(`revoked ${n}`);
      const { url: instance } = stage.instances[n % 2 === 0 ? 0 : 1];
      return held.use(new Subscriber({ url: () => instance, key: second.key.key, wants: ['$mine'], random }));
    });
    await eventually(() => doomed.every((each) => each.isLive()) || undefined, 'not live', 20_000);
    const others = members.reduce((sum, { subscriber }) => sum + subscriber.told(4401), 0);
    const before = performance.now();
    await writer.revoke(second);
    await eventually(() => doomed.every((each) => each.told(4401) === 1) || undefined, 'some were kept', 20_000);
    const closedAfter = performance.now() - before;
    // None of them is let in again, and whoever holds another key of the same account stays.
    await eventually(() => doomed.every((each) => each.told(401) === 1) || undefined, 'some came back', 20_000);
    assert.ok(closedAfter < revokedWithinMs, `closed after ${closedAfter} ms`);
    assert.equal(members.reduce((sum, { subscriber }) => sum + subscriber.told(4401), 0) - others, 0);
    assert.ok(members.every(({ subscriber }) => subscriber.isLive()));
    printCounts(t, { revoked: revokedOf, 'closed after ms': Math.round(closedAfter) });
  });

  it('gives nobody a gap, a repeat or the facts of others while sockets are lost and instances die', async (t) => {
    const { writer, instances } = stage;
    await using held = new AsyncDisposableStack();
    const sse = works.slice(0, 12).map(({ owner, stream }, n) => {
      const random = chance(`sse ${n}`);
      const key = accounts.find(({ accountId }) => accountId === owner)?.key.key ?? '';
      return { stream, reader: held.use(readSse({ url: () => url(random), key, stream, random })) };
    });
    const signal = AbortSignal.timeout(chaosMs);
    const parts = {
      members: first(members),
      sse: first(sse.map(({ reader }) => reader)),
      works: first(works),
      instances,
    };
    const [spoken, counts] = await Promise.all([
      speakSteadily(first(works), perSecond, chance('chaos'), signal),
      stir({ ...parts, random: chance('misfortunes') }, signal),
    ]);
    for (const work of works.slice(0, 12)) await work.complete();
    const endedAt = performance.now();
    assert.deepEqual(await settle(members, works, writer.store), []);
    const settledMs = Math.round(performance.now() - endedAt);
    for (const { stream, reader } of sse) {
      await eventually(() => reader.isOver() || undefined, 'Server-Sent Events did not end', 20_000);
      const stored = expectedOf(await readWhole(writer.store.readStream, stream));
      assert.deepEqual(inBrief(breachesOf(reader.heard, stored)), []);
    }
    await eventually(areLive, 'somebody did not come back', 20_000);
    const told = (what: string | number): number =>
      members.reduce((sum, { subscriber }) => sum + subscriber.told(what), 0);
    assert.equal(told(401), 0);
    assert.deepEqual(
      instances.map(({ errors }) => errors()),
      ['', ''],
    );
    printCounts(t, {
      spoken,
      ...Object.fromEntries(counts),
      refused: told('not-found'),
      'turned away': told(503) + told(429),
      'settled after ms': settledMs,
      delivered: delivered(),
      latency: inWords(latency.take()),
    });
  });

  it('loses nothing of a burst, and goes on from any position of it', async (t) => {
    const { writer } = stage;
    const [account] = first(accounts);
    const work = await writer.submit(account.accountId);
    await using held = new AsyncDisposableStack();
    const follow = (n: number) => {
      const random = chance(`burst ${n}`);
      const options = { url: () => url(random), key: account.key.key, wants: [work.stream], random };
      return held.use(new Subscriber(options));
    };
    const readers = Array.from({ length: 10 }, (_, n) => follow(n));
    await eventually(() => readers.every((each) => each.isLive()) || undefined, 'not live', 20_000);
    const before = performance.now();
    for (let n = 0; n < burst; n += 20) await work.speakAtOnce(Array.from({ length: 20 }, (_, i) => `word ${n + i}`));
    const spokenMs = Math.round(performance.now() - before);
    const facts = burst + 2;
    const late = Array.from({ length: 10 }, (_, n) => follow(100 + n));
    const all = [...readers, ...late];
    const hasAll = (each: Subscriber): boolean => each.heard(work.stream).length >= facts;
    await eventually(() => all.every(hasAll) || undefined, 'somebody did not hear everything', 30_000);
    const stored = expectedOf(await readWhole(writer.store.readStream, work.stream));
    assert.equal(stored.length, facts);
    for (const each of all) assert.deepEqual(inBrief(breachesOf(each.heard(work.stream), stored)), []);
    const random = chance('positions');
    for (let times = 0; times < 20; times += 1) {
      const after = times === 0 ? 0 : random.below(facts);
      const only = { url: () => url(random), key: account.key.key, wants: [work.stream], random };
      await using reader = new Subscriber({ ...only, after });
      await eventually(() => reader.isLive() || undefined, 'not live', 20_000);
      assert.deepEqual(inBrief(breachesOf(reader.heard(work.stream), stored.slice(after))), []);
    }
    printCounts(t, { burst, 'appended in ms': spokenMs, readers: all.length, positions: 20 });
  });
});

/** Readers that do not read: told where to go on, closed within five seconds, and nobody else notices. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { byEffort, chance, printCounts } from '../effort.ts';
import { gather, settle } from './audience.ts';
import type { Member } from './audience.ts';
import { heldBy, openDeaf } from './deaf.ts';
import type { Deaf } from './deaf.ts';
import type { Instance } from './instance.ts';
import { inWords, measureLatency } from './latency.ts';
import { speakSteadily } from './load.ts';
import { breachesOf, expectedOf, inBrief, readWhole } from './record.ts';
import { bounded, openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { Subscriber } from './subscriber.ts';
import type { Account, Work } from './writer.ts';

/** Together more than the kernel takes for a reader (4 MiB to send, some to receive), and what may wait in the server. */
const floodText = 'x'.repeat(32_000);
const floodFacts = 300;
const fastOf = byEffort({ ci: 450, full: 950 });
const deafOf = byEffort({ ci: 44, full: 194 });
const lateOf = 6;
const closedWithinMs = 5_000;
const mebibyte = 1_048_576;

/** As many facts in a commit as may be. */
const floodWith = async (work: Work): Promise<void> => {
  const together = Array.from({ length: 6 }, () => floodText);
  for (let n = 0; n < floodFacts; n += together.length) await work.speakAtOnce(together);
};

describe('a reader that does not read', bounded, () => {
  let stage: Stage;
  let members: Member[] = [];
  const works: Work[] = [];
  before(async () => {
    stage = await openStage();
  });
  after(async () => {
    await Promise.all(members.map(({ subscriber }) => subscriber[Symbol.asyncDispose]()));
    await stage[Symbol.asyncDispose]();
  });

  const openAll = (work: Work, { key }: Account, count: number): Promise<(Deaf & { instance: Instance })[]> =>
    Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const instance = stage.instances[n % 2 === 0 ? 0 : 1];
        return { ...(await openDeaf(instance.url, key.key, work.stream)), instance };
      }),
    );
  const stillHeld = (deaf: readonly (Deaf & { instance: Instance })[]): number => {
    const held = new Map(stage.instances.map((instance) => [instance, heldBy(instance.port)]));
    return deaf.filter(({ instance, localPort }) => held.get(instance)?.has(localPort)).length;
  };
  const tooSlow = (of: Account): number =>
    stage.instances
      .flatMap(({ logged }) => logged('channel.too-slow'))
      .filter(({ accountId }) => accountId === of.accountId).length;

  it('costs less than a mebibyte', async (t) => {
    const { writer, instances } = stage;
    const account = await writer.invite('replay');
    const work = await writer.submit(account.accountId);
    await floodWith(work);
    const before = await Promise.all(instances.map((instance) => instance.measure()));
    const deaf = await openAll(work, account, deafOf);
    const looks = before.map((look) => [look]);
    // What waits for a reader is let go only when it is cut off: the largest look of many is what all of them cost at once.
    const areGone = async (): Promise<true | undefined> => {
      await Promise.all(instances.map(async (instance, n) => looks[n]?.push(await instance.measure())));
      return stillHeld(deaf) === 0 || undefined;
    };
    await eventually(areGone, 'they were kept', 30_000);
    assert.equal(tooSlow(account), deafOf);
    const after = await Promise.all(instances.map((instance) => instance.measure()));
    const most = (what: 'held' | 'rss') => looks.map((all) => Math.max(...all.map((look) => look[what])));
    const perReader = most('held').map((held, n) => Math.round((held - (before[n]?.held ?? 0)) / (deafOf / 2)));
    printCounts(t, {
      deaf: deafOf,
      'bytes per deaf reader': perReader.join(' and '),
      'rss before MB': before.map(({ rss }) => Math.round(rss / 1e6)).join(' and '),
      'rss meanwhile MB': most('rss')
        .map((rss) => Math.round(rss / 1e6))
        .join(' and '),
      'peak rss MB': instances.map((instance) => Math.round(instance.peakRss() / 1e6)).join(' and '),
      looks: looks.map(({ length }) => length - 1).join(' and '),
      'held after MB': after.map(({ held }) => Math.round(held / 1e6)).join(' and '),
    });
    assert.ok(
      perReader.every((bytes) => bytes < mebibyte),
      `${perReader.join(', ')} bytes`,
    );
    deaf.forEach((each) => each.leave());
  });

  it('is told where to go on and closed within five seconds, while nobody else misses or waits for anything', async (t) => {
    const { writer, instances } = stage;
    const latency = measureLatency(writer);
    const deafAccount = await writer.invite('deaf');
    const lateAccounts = await Promise.all(Array.from({ length: lateOf }, () => writer.invite('late', 'operator')));
    const accounts = [
      await writer.invite('first'),
      ...(await Promise.all(Array.from({ length: 24 }, (_, n) => writer.invite(`fast ${n}`)))),
    ] as const;
    for (const { accountId } of accounts) for (let n = 0; n < 2; n += 1) works.push(await writer.submit(accountId));
    const flooded = await writer.submit(deafAccount.accountId);
    const url = (random: ReturnType<typeof chance>): string => random.oneOf(instances).url;
    members = gather({ accounts, works, size: fastOf, url, randomOf: chance, onLive: latency.onLive });
    const random = chance('witness');
    await using witness = new Subscriber({
      url: () => url(random),
      key: deafAccount.key.key,
      wants: [flooded.stream],
      random,
    });
    await eventually(() => members.every(({ subscriber }) => subscriber.isLive()) || undefined, 'not live', 30_000);

    const [first, ...rest] = works;
    assert.ok(first);
    const ending = new AbortController();
    const speaking = speakSteadily([first, ...rest], 60, chance('steady'), ending.signal);
    await eventually(() => (latency.take().count > 0 ? true : undefined), 'nothing came');
    const calmUntil = performance.now() + 2_000;
    await eventually(() => performance.now() > calmUntil || undefined, 'never');
    const calm = latency.take();

    const deaf = await openAll(flooded, deafAccount, deafOf);
    const late = await Promise.all(
      lateAccounts.map(async (account) => {
        const [opened] = await openAll(flooded, account, 1);
        assert.ok(opened);
        return { account, opened };
      }),
    );
    await floodWith(flooded);
    // All that is to come is here: from now on at the latest too much waits for each of them.
    await eventually(() => witness.heard(flooded.stream).length === floodFacts + 2 || undefined, 'the witness starved');
    const overSince = performance.now();
    const endings = await Promise.all(
      late.map(async ({ account, opened }) => {
        await eventually(() => tooSlow(account) === 1 || undefined, 'a late one was not told');
        return opened.listenAgain();
      }),
    );
    await eventually(() => stillHeld(deaf) === 0 || undefined, `${stillHeld(deaf)} deaf readers are kept`);
    const closedAfter = performance.now() - overSince;
    const stirred = latency.take();
    ending.abort();
    const spoken = await speaking;
    deaf.forEach((each) => each.leave());

    assert.ok(closedAfter < closedWithinMs, `closed after ${closedAfter} ms`);
    assert.equal(tooSlow(deafAccount), deafOf);
    const stored = expectedOf(await readWhole(writer.store.readStream, flooded.stream));
    for (const { heard, last, code } of endings) {
      assert.equal(code, 1013);
      const after = heard.length;
      assert.deepEqual(last, { type: 'error', code: 'too-slow', resume: { stream: flooded.stream, after } });
      assert.deepEqual(inBrief(breachesOf(heard, stored.slice(0, after))), []);
    }
    assert.deepEqual(await settle(members, works, writer.store), []);
    assert.equal(
      members.reduce((sum, { subscriber }) => sum + subscriber.told('too-slow') + subscriber.told(1013), 0),
      0,
    );
    printCounts(t, {
      sockets: fastOf + deafOf + lateOf,
      deaf: deafOf,
      late: lateOf,
      'closed after ms': Math.round(closedAfter),
      spoken,
      delivered: calm.count + stirred.count,
      calm: inWords(calm),
      meanwhile: inWords(stirred),
    });
  });
});

/** Following the log: exactly 1..n per shard, whatever happens to wakes, reads, applies and the process. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { memoryWakes } from '#platform/memory/wakes.ts';
import type { Commit, ReadLog } from '#platform/store.ts';
import { subscribe } from '#platform/subscribe.ts';
import type { OnWake, Subscription, Wake } from '#platform/subscribe.ts';

const commit = (shard: number, position: number): Commit => ({ shard, position, stream: `task/${shard}`, facts: [] });
const places = (commits: readonly Commit[]): string[] => commits.map(({ shard, position }) => `${shard}:${position}`);

/** A log of which only the length of each shard matters. */
const logOf =
  (heads: readonly number[], pageSize = 100): ReadLog =>
  async (shard, after) => {
    const shown = Math.min(pageSize, (heads[shard] ?? 0) - after);
    return Array.from({ length: Math.max(0, shown) }, (_, index) => commit(shard, after + index + 1));
  };
const fromStart = (...shards: number[]) => new Map(shards.map((shard) => [shard, 0]));
const never = 2 ** 30;

type Followed = Partial<Subscription> & Pick<Subscription, 'cursor' | 'readLog'>;

/** A subscription that runs as long as the test holds it, and is never woken by a poll unless the test says so. */
const follow = (subscription: Followed) => {
  const { announce, onWake } = memoryWakes();
  const stop = new AbortController();
  const applied: Commit[] = [];
  const events = new EventEmitter();
  const apply = async (next: Commit): Promise<void> => {
    await subscription.apply?.(next);
    applied.push(next);
    events.emit('applied');
  };
  let reads = 0;
  const readLog: ReadLog = async (shard, after, limit) => {
    const page = await subscription.readLog(shard, after, limit);
    reads += 1;
    events.emit('read');
    return page;
  };
  const ended = subscribe({ pollMs: never, onWake, ...subscription, apply, readLog }, stop.signal);
  const happened = async (event: 'applied' | 'read', enough: () => boolean): Promise<void> => {
    while (!enough()) await once(events, event, { signal: AbortSignal.timeout(5_000) });
  };
  return {
    ...{ announce, applied, ended },
    stop: () => stop.abort(),
    appliedCount: (count: number) => happened('applied', () => applied.length >= count),
    readCount: (count: number) => happened('read', () => reads >= count),
    reads: () => reads,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
};

describe('a subscription', () => {
  it('applies what comes after its cursor, page by page, and remembers each page once', async () => {
    const remembered: number[] = [];
    await using followed = follow({
      cursor: new Map([[0, 2]]),
      readLog: logOf([7], 2),
      remember: async (_, position) => void remembered.push(position),
    });
    await followed.readCount(4);
    await delay(1);
    assert.deepEqual(places(followed.applied), ['0:3', '0:4', '0:5', '0:6', '0:7']);
    assert.deepEqual(remembered, [4, 6, 7]);
  });

  it('needs no poll for a wake that arrives while the shard is being read', async () => {
    const heads = [0];
    const reading = Promise.withResolvers<undefined>();
    const answered = Promise.withResolvers<undefined>();
    const readLog: ReadLog = async (shard, after) => {
      const page = await logOf(heads)(shard, after);
      reading.resolve(undefined);
      await answered.promise;
      return page;
    };
    await using followed = follow({ cursor: fromStart(0), readLog });
    await reading.promise;
    heads[0] = 1;
    followed.announce({ shard: 0, position: 1 });
    answered.resolve(undefined);
    await followed.appliedCount(1);
  });

  it('reads once for a wake, and not at all for one it has heard before', async () => {
    const heads = [0, 0];
    await using followed = follow({ cursor: fromStart(0, 1), readLog: logOf(heads) });
    await followed.readCount(2);
    heads[0] = 3;
    followed.announce({ shard: 0, position: 3 });
    await followed.appliedCount(3);
    followed.announce({ shard: 0, position: 3 });
    followed.announce({ shard: 0, position: 2 });
    heads[1] = 1;
    followed.announce({ shard: 1, position: 1 });
    await followed.appliedCount(4);
    assert.equal(followed.reads(), 4);
  });

  it('does not look again when it was shown more than the wake said', async () => {
    const heads = [0];
    await using followed = follow({ cursor: fromStart(0), readLog: logOf(heads) });
    await followed.readCount(1);
    heads[0] = 5;
    followed.announce({ shard: 0, position: 3 });
    await followed.appliedCount(5);
    await delay(1);
    assert.equal(followed.reads(), 2);
  });

  it('looks at each of 16 shards once per poll while nothing happens', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const shards = Array.from({ length: 16 }, (_, shard) => shard);
    await using followed = follow({ cursor: fromStart(...shards), readLog: logOf([]), pollMs: 2_000 });
    await followed.readCount(16);
    for (const polls of [1, 2, 3]) {
      t.mock.timers.tick(2_000);
      await followed.readCount(16 + 16 * polls);
      await delay(1);
      assert.equal(followed.reads(), 16 + 16 * polls);
    }
  });

  it('never applies a commit whose predecessor it was not shown', async () => {
    const pages = [[commit(0, 2)], [commit(0, 1), commit(0, 3)], [commit(0, 1)], [commit(0, 2), commit(0, 3)]];
    await using followed = follow({ cursor: fromStart(0), readLog: async () => pages.shift() ?? [] });
    await followed.appliedCount(3);
    assert.deepEqual(places(followed.applied), ['0:1', '0:2', '0:3']);
  });

  it('tries a commit that cannot be applied again, and no other of its shard, while other shards go on', async () => {
    const tried: string[] = [];
    let failures = 3;
    const apply = async (next: Commit): Promise<void> => {
      tried.push(...places([next]));
      if (next.shard === 0 && next.position === 2 && failures-- > 0) throw new Error('not now');
    };
    await using followed = follow({ cursor: fromStart(0, 1), readLog: logOf([3, 3]), apply });
    await followed.appliedCount(6);
    const ofShard = (shard: number) => tried.filter((place) => place.startsWith(`${shard}:`));
    assert.deepEqual(ofShard(0), ['0:1', '0:2', '0:2', '0:2', '0:2', '0:3']);
    assert.deepEqual(ofShard(1), ['1:1', '1:2', '1:3']);
    assert.ok(tried.indexOf('1:3') < tried.indexOf('0:3'));
  });

  it('ends with the commit in hand: applied, remembered, and nothing after it', async () => {
    const inHand = Promise.withResolvers<undefined>();
    const done = Promise.withResolvers<undefined>();
    const remembered: number[] = [];
    const followed = follow({
      cursor: fromStart(0),
      readLog: logOf([9]),
      apply: async ({ position }) => {
        if (position !== 3) return;
        inHand.resolve(undefined);
        await done.promise;
      },
      remember: async (_, position) => void remembered.push(position),
    });
    await inHand.promise;
    followed.stop();
    done.resolve(undefined);
    await followed.ended;
    assert.deepEqual(places(followed.applied), ['0:1', '0:2', '0:3']);
    assert.deepEqual(remembered, [3]);
  });

  it('ends at once while it waits, and while it pauses after a fault', async () => {
    const failing = Promise.withResolvers<undefined>();
    const readLog: ReadLog = async (shard) => {
      if (shard === 0) return [];
      failing.resolve(undefined);
      throw new Error('unreachable');
    };
    const followed = follow({ cursor: fromStart(0, 1), readLog });
    await failing.promise;
    followed.stop();
    await followed.ended;
  });
});

/** Chances drawn by fast-check, taken one after the other, over and over. */
const luck = fc.array(fc.nat(99), { minLength: 1, maxLength: 60 }).map((draws) => {
  let next = 0;
  return (percent: number): boolean => (draws[next++ % draws.length] ?? 0) < percent;
});
type Luck = (percent: number) => boolean;

/** What processes share: the log, and the position of each shard that was remembered. */
type World = { readonly heads: number[]; readonly ends: readonly number[]; readonly remembered: number[] };

/** Writes every shard to its end; of the wakes some are dropped, doubled, late, or speak of what is not there yet. */
const write = async ({ heads, ends }: World, announce: (wake: Wake) => void, happens: Luck): Promise<void> => {
  const writeShard = async (end: number, shard: number): Promise<void> => {
    for (let position = 1; position <= end; position += 1) {
      heads[shard] = position;
      const wake = { shard, position: happens(10) ? position + 50 : position };
      if (happens(30)) continue;
      if (happens(20)) announce(wake);
      if (happens(30)) setTimeout(() => announce(wake), 3);
      else announce(wake);
      if (happens(20)) await delay(1);
    }
  };
  await Promise.all(ends.map(writeShard));
};

/** One process that follows the log until everything is remembered, or until it is killed after so many applies. */
const live = async (
  { heads, ends, remembered }: World,
  killedAfter: number,
  page: number,
  onWake: OnWake,
  happens: Luck,
) => {
  const stop = new AbortController();
  const applied = [...remembered];
  let left = killedAfter;
  /** More than a few faults in one life would only make it long. */
  let faultsLeft = 4;
  const maybeFail = (what: string): void => {
    if (faultsLeft === 0 || !happens(15)) return;
    faultsLeft -= 1;
    throw new Error(what);
  };
  const broken: unknown[] = [];
  const expect = (shard: number, position: number, expected: number | undefined): void => {
    if (position === expected) return;
    broken.push(`shard ${shard}: ${position} where ${String(expected)} is expected`);
    stop.abort();
  };
  const endIfOver = (): void => {
    if (remembered.every((position, shard) => position === ends[shard])) stop.abort();
  };
  endIfOver();
  await subscribe(
    {
      readLog: async (shard, after) => {
        maybeFail('cannot be read');
        return logOf(heads, page)(shard, after);
      },
      cursor: new Map(remembered.map((position, shard) => [shard, position])),
      onWake,
      pollMs: 2,
      apply: async ({ shard, position }) => {
        expect(shard, position, (applied[shard] ?? 0) + 1);
        maybeFail('cannot be applied');
        if (happens(20)) await delay(0);
        applied[shard] = position;
        left -= 1;
        if (left <= 0) stop.abort();
      },
      remember: async (shard, position) => {
        expect(shard, position, applied[shard]);
        // Killed between apply and remember: from there on, this life changes nothing any more.
        if (left <= 0) return;
        maybeFail('cannot be remembered');
        remembered[shard] = position;
        endIfOver();
      },
    },
    stop.signal,
  );
  assert.deepEqual(broken, []);
};

describe('whatever happens on the way', () => {
  it('each shard is applied as 1..n, again only from what was remembered when a process was killed', async () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 4 });
    const kills = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(lengths, kills, fc.integer({ min: 1, max: 7 }), luck, async (ends, killed, page, happens) => {
        const world = { heads: ends.map(() => 0), ends, remembered: ends.map(() => 0) };
        const { announce, onWake } = memoryWakes();
        const writing = write(world, announce, happens);
        for (const killedAfter of [...killed, Number.POSITIVE_INFINITY])
          await live(world, killedAfter, page, onWake, happens);
        await writing;
        assert.deepEqual(world.remembered, ends);
      }),
      { numRuns: 60 },
    );
  });
});

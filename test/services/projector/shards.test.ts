/** Shards and their holders: one at a time, and never nobody for long. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aborted } from '#platform/lifetime.ts';
import { silent } from '#platform/log.ts';
import { memoryRuntime } from '#platform/memory/runtime.ts';
import type { Runtime } from '#platform/runtime.ts';
import { eventually } from '#test/support/eventually.ts';
import { sharedShards } from '../../../services/projector/shards.ts';
import type { Follow, HeldShard } from '../../../services/projector/shards.ts';

const leaseMs = 500;
const subscription = 'test';
const holdOn: Follow = (_, signal) => aborted(signal);

/** A projector that follows what it gets until it is stopped or loses it. */
const startHolder = (runtime: Runtime, holder: string, shards: number, follow = holdOn) => {
  const stop = new AbortController();
  let refusals = 0;
  const claimShard: Runtime['claimShard'] = async (...asked) => {
    const claimed = await runtime.claimShard(...asked);
    if (!claimed) refusals += 1;
    return claimed;
  };
  const watched = { ...runtime, claimShard };
  const { held, run } = sharedShards({ runtime: watched, subscription, holder, shards, leaseMs, log: silent });
  const ended = run(follow, stop.signal);
  const reaches = (what: () => boolean) => eventually(() => what() || undefined, `${holder} never came so far`);
  return {
    held,
    holdsAll: () => reaches(() => held().length === shards),
    wasRefused: (times: number) => reaches(() => refusals >= times),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
};

describe('the shards of a subscription', () => {
  it('stay with one holder while it renews, and are another’s at once when it stops', async () => {
    const runtime = memoryRuntime({ clock: Date.now });
    const first = startHolder(runtime, 'first', 16);
    await first.holdsAll();
    await using second = startHolder(runtime, 'second', 16);
    // It asks three times in the time of one lease.
    await second.wasRefused(5 * 16);
    assert.deepEqual([first.held().length, second.held().length], [16, 0]);
    const stopped = performance.now();
    await first[Symbol.asyncDispose]();
    assert.deepEqual(first.held(), []);
    await second.holdsAll();
    assert.ok(performance.now() - stopped < leaseMs, 'the lease had to run out');
  });

  it('of a holder that died are another’s when the lease has run out, from the position remembered', async () => {
    const runtime = memoryRuntime({ clock: Date.now });
    const diedAt = Date.now();
    await runtime.claimShard(subscription, 0, 'dead', leaseMs);
    await runtime.rememberPosition(subscription, 0, 'dead', 41);
    const followed = Promise.withResolvers<HeldShard>();
    const follow: Follow = async (held, signal) => {
      followed.resolve(held);
      await aborted(signal);
    };
    await using _ = startHolder(runtime, 'next', 1, follow);
    assert.equal((await followed.promise).position, 41);
    assert.ok(Date.now() - diedAt >= leaseMs, 'it was taken from a holder whose lease lived');
  });

  it('are given up before the lease runs out by a holder that gets no answer, and taken up again', async () => {
    const runtime = memoryRuntime({ clock: Date.now });
    const answers = Promise.withResolvers<undefined>();
    let claims = 0;
    const claimShard: Runtime['claimShard'] = async (...asked) => {
      claims += 1;
      if (claims === 2) await answers.promise;
      return runtime.claimShard(...asked);
    };
    const lost = Promise.withResolvers<number>();
    const follow: Follow = async (_, signal) => {
      const since = performance.now();
      await aborted(signal);
      lost.resolve(performance.now() - since);
    };
    await using holder = startHolder({ ...runtime, claimShard }, 'silent', 1, follow);
    assert.ok((await lost.promise) < leaseMs);
    answers.resolve(undefined);
    await holder.holdsAll();
  });

  it('are no longer followed by a holder from whom they were claimed', async () => {
    let now = Date.now();
    const runtime = memoryRuntime({ clock: () => now });
    const outcome = Promise.withResolvers<boolean>();
    const follow: Follow = async ({ shard, remember }, signal) => {
      now += leaseMs;
      await runtime.claimShard(subscription, shard, 'other', leaseMs);
      await runtime.rememberPosition(subscription, shard, 'other', 7);
      await remember(5);
      outcome.resolve(signal.aborted);
    };
    await using _ = startHolder(runtime, 'slow', 1, follow);
    assert.equal(await outcome.promise, true);
    assert.deepEqual(await runtime.claimShard(subscription, 0, 'other', leaseMs), { position: 7 });
  });

  it('are no longer followed by a holder that learns of it only when it renews', async () => {
    let now = Date.now();
    const runtime = memoryRuntime({ clock: () => now });
    await using holder = startHolder(runtime, 'idle', 1);
    await holder.holdsAll();
    now += leaseMs;
    await runtime.claimShard(subscription, 0, 'other', leaseMs);
    await eventually(() => holder.held().length === 0 || undefined, 'it still follows');
  });

  it('are followed again after a fault', async () => {
    const followed = Promise.withResolvers<undefined>();
    let faults = 2;
    const follow: Follow = async () => {
      if (faults-- > 0) throw new Error('cannot follow');
      followed.resolve(undefined);
    };
    await using _ = startHolder(memoryRuntime({ clock: Date.now }), 'stubborn', 1, follow);
    await followed.promise;
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import type { StreamId } from '#events/envelope.ts';
import { silent } from '#platform/log.ts';
import { memoryStore } from '#platform/memory/store.ts';
import { memoryWakes } from '#platform/memory/wakes.ts';
import { eventually } from '#test/support/eventually.ts';
import type { Store, StoredFact } from '#platform/store.ts';
import { follow } from '../../../../services/api/live/follow.ts';
import { openHub } from '../../../../services/api/live/hub.ts';
import type { Hub } from '../../../../services/api/live/hub.ts';

const Message = z.strictObject({
  type: z.literal('event'),
  stream: z.string(),
  version: z.int(),
  event: z.looseObject({ version: z.int() }),
});

const stream: StreamId = 'session/s1';
const clock = (): number => 0;

const factOf = (of: StreamId, version: number, text = ''): StoredFact => ({
  ...{ id: `01999999-0000-7000-8000-${String(version).padStart(12, '0')}`, stream: of, version, type: 'Said', v: 1 },
  ...{ at: '2026-01-01T00:00:00.000Z', actor: 'worker:test', correlationId: 'test', text },
});

/** Appends `count` facts in one commit. */
const say = async (store: Store, of: StreamId, count = 1, text = ''): Promise<void> => {
  const expected = (await store.readRow(of))?.version ?? 0;
  const facts = Array.from({ length: count }, (_, index) => factOf(of, expected + index + 1, text));
  const row = { sessionId: of.slice('session/'.length), createdAt: 0 };
  assert.equal((await store.append(of, expected, facts, { row })).outcome, 'appended');
};

const open = async () => {
  const wakes = memoryWakes();
  const store = memoryStore({ shards: 2, clock, onCommit: wakes.announce });
  const stop = new AbortController();
  const startHub = async (): Promise<Hub> => {
    const parts = { store, onWake: wakes.onWake, pollMs: 10_000, log: silent, onCommit: () => undefined };
    const hub = await openHub(parts);
    running.push(hub.run(stop.signal));
    return hub;
  };
  const running: Promise<void>[] = [];
  const end = async () => {
    stop.abort();
    await Promise.all(running);
  };
  return { store, startHub, [Symbol.asyncDispose]: end };
};

/** Reads `count` steps and leaves. */
const take = async (steps: ReturnType<typeof follow>, count: number) => {
  const taken: (number | 'live')[] = [];
  for await (const step of steps) {
    taken.push(step === 'live' ? step : step.version);
    if (taken.length === count) break;
  }
  return taken;
};

describe('following a stream', () => {
  it('gives what is there, says that it is live, and goes on with what comes', async () => {
    await using t = await open();
    const hub = await t.startHub();
    await say(t.store, stream, 3);
    const steps = follow(stream, 1, { hub, store: t.store }, new AbortController().signal);
    const taken = take(steps, 5);
    await say(t.store, stream, 1);
    await say(t.store, stream, 1);
    assert.deepEqual(
      (await taken).filter((step) => step !== 'live'),
      [2, 3, 4, 5],
    );
  });

  it('misses nothing that is in the log already and not in the stream yet', async () => {
    await using t = await open();
    const hub = await t.startHub();
    await say(t.store, stream);
    await eventually(() => (hub.heads().some((head) => head > 0) ? true : undefined), 'the log was not followed');
    let early = 3;
    const readStream: Store['readStream'] = async (...args) => ((early -= 1) >= 0 ? [] : t.store.readStream(...args));
    const steps = follow(stream, 0, { hub, store: { readStream } }, new AbortController().signal);
    assert.deepEqual(await take(steps, 2), [1, 'live']);
  });

  it('waits for a stream that does not exist yet', async () => {
    await using t = await open();
    const hub = await t.startHub();
    const steps = follow(stream, 0, { hub, store: t.store }, new AbortController().signal);
    assert.deepEqual((await steps.next()).value, 'live');
    const next = steps.next();
    await say(t.store, stream);
    const { value } = await next;
    assert.equal(value !== 'live' && value?.version, 1);
    await steps.return(undefined);
  });

  it('ends when it is stopped, whatever it waits for', async () => {
    await using t = await open();
    const hub = await t.startHub();
    const stop = new AbortController();
    const steps = follow(stream, 0, { hub, store: t.store }, stop.signal);
    await steps.next();
    const next = steps.next();
    stop.abort();
    assert.equal((await next).done, true);
  });

  it('reads the store once for what many follow, not once for each', async () => {
    await using t = await open();
    const hub = await t.startHub();
    let reads = 0;
    const readStream: Store['readStream'] = async (...args) => {
      reads += 1;
      return t.store.readStream(...args);
    };
    const stop = new AbortController();
    const all = Array.from({ length: 50 }, () => follow(stream, 0, { hub, store: { readStream } }, stop.signal));
    for (const steps of all) assert.equal((await steps.next()).value, 'live');
    assert.equal(reads, 50);
    for (let n = 1; n <= 20; n += 1) {
      const next = all.map((steps) => steps.next());
      await say(t.store, stream);
      for (const step of await Promise.all(next)) assert.equal(step.value !== 'live' && step.value?.version, n);
    }
    assert.equal(reads, 50);
    stop.abort();
  });

  it('reads a page once for all who want it at the same time', async () => {
    await using t = await open();
    const hub = await t.startHub();
    await say(t.store, stream, 30);
    let reads = 0;
    const readStream: Store['readStream'] = async (...args) => {
      reads += 1;
      return t.store.readStream(...args);
    };
    const stop = new AbortController();
    const all = Array.from({ length: 50 }, () => follow(stream, 0, { hub, store: { readStream } }, stop.signal));
    for (let n = 1; n <= 31; n += 1) {
      const steps = await Promise.all(all.map((each) => each.next()));
      for (const { value } of steps) assert.equal(value === 'live' ? 31 : value?.version, n);
    }
    assert.ok(reads <= 3, `${reads} reads`);
    stop.abort();
  });

  it('reads on while its reader takes what is there, and not for one who takes nothing', async () => {
    await using t = await open();
    const hub = await t.startHub();
    await say(t.store, stream, 30);
    const asked: number[] = [];
    const readStream: Store['readStream'] = async (of, after, limit) => {
      asked.push(after);
      return t.store.readStream(of, after, limit);
    };
    const stop = new AbortController();
    const steps = follow(stream, 0, { hub, store: { readStream } }, stop.signal);
    await steps.next();
    assert.deepEqual(asked, [0]);
    await steps.next();
    assert.deepEqual(asked, [0, 8]);
    for (let version = 3; version <= 30; version += 1) {
      const { value } = await steps.next();
      assert.equal(value !== 'live' && value?.version, version);
    }
    stop.abort();
  });

  it('tells nobody that it is live by a page that was read before it came', async () => {
    await using t = await open();
    const hub = await t.startHub();
    const { promise: asked, resolve: ask } = Promise.withResolvers<undefined>();
    const { promise: answered, resolve: answer } = Promise.withResolvers<undefined>();
    const readStream: Store['readStream'] = async (...args) => {
      const facts = await t.store.readStream(...args);
      ask(undefined);
      await answered;
      return facts;
    };
    const stop = new AbortController();
    const parts = { hub, store: { readStream } };
    const early = follow(stream, 0, parts, stop.signal).next();
    await asked;
    await say(t.store, stream);
    await eventually(() => (hub.heads().some((head) => head > 0) ? true : undefined), 'the log was not followed');
    const late = follow(stream, 0, parts, stop.signal).next();
    answer(undefined);
    for (const { value } of await Promise.all([early, late])) assert.equal(value !== 'live' && value?.version, 1);
    stop.abort();
  });

  it('gives each version exactly once and in order, whoever falls behind, leaves, comes back or changes instance', async () => {
    const act = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('say' as const), count: fc.integer({ min: 1, max: 40 }) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('read' as const), count: fc.integer({ min: 1, max: 60 }) }) },
      fc.record({ do: fc.constant('leave' as const), count: fc.nat(1) }),
      fc.record({ do: fc.constant('other' as const), count: fc.integer({ min: 1, max: 3 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 25, size: 'max' }), fc.boolean(), async (acts, large) => {
        await using t = await open();
        const [one, two] = [await t.startHub(), await t.startHub()];
        const stop = new AbortController();
        let [said, seen] = [0, 0];
        const join = (hub: Hub) => follow(stream, seen, { hub, store: t.store }, stop.signal);
        let steps = join(one);
        const read = async (): Promise<void> => {
          const { value } = await steps.next();
          if (value === 'live') return;
          assert.equal(value?.version, seen + 1);
          assert.equal(Message.parse(JSON.parse(value.bytes.toString())).version, seen + 1);
          seen += 1;
        };
        for (const { do: what, count } of acts) {
          if (what === 'say') {
            // Large facts push one another out of what is kept at hand.
            await say(t.store, stream, count, large ? 'x'.repeat(6_000) : '');
            said += count;
          }
          if (what === 'other') await say(t.store, 'session/s2', count);
          if (what === 'read') for (let n = 0; n < count && seen < said; n += 1) await read();
          if (what === 'leave') {
            await steps.return(undefined);
            steps = join(count === 0 ? one : two);
          }
        }
        while (seen < said) await read();
        stop.abort();
      }),
      { numRuns: 100 },
    );
  });
});

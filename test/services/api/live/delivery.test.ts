import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TaskId } from '#events/ids.ts';
import { silent } from '#platform/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { sessionId, workerId } from '#test/support/ids.ts';
import { accepted, submit } from '../submit-support.ts';
import { createWorld } from '../world.ts';
import type { World } from '../world.ts';
import { serveApi } from './client.ts';
import type { Client, ServedApi } from './client.ts';

const startTask = async (world: World, api: ServedApi): Promise<TaskId> => {
  const { taskId } = await accepted(await submit(api, { message: 'x' }));
  await world.moveTask(taskId, { type: 'start', workerId: workerId(1), sessionId: sessionId(1) });
  return taskId;
};
const speak = async (world: World, id: TaskId, seq: number, text = 'word') =>
  world.moveTask(id, { type: 'progress', attempt: 1, seq, updates: [{ kind: 'text', text }] });

/** What a careful client does: whatever happens to its channel, it comes back and goes on after what it saw. */
const reader = (id: TaskId, connect: () => Promise<Client>) => {
  const seen: unknown[] = [];
  let client: Client | undefined;
  const join = async (): Promise<Client> => {
    client = await connect();
    client.say({ type: 'subscribe', stream: `task/${id}`, after: seen.length });
    return client;
  };
  return {
    seen,
    hear: async () => {
      const channel = client ?? (await join());
      const message = await channel.hear();
      if (message.type !== 'event') return;
      assert.equal(message.version, seen.length + 1);
      seen.push(message.event);
    },
    leave: async () => {
      await client?.leave();
      client = undefined;
    },
  };
};

describe('delivery', () => {
  it('gives every fact exactly once and in order across disconnects, restarts and instances', async () => {
    const act = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant('speak' as const), n: fc.integer({ min: 1, max: 6 }) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('hear' as const), n: fc.integer({ min: 1, max: 8 }) }) },
      fc.record({ do: fc.constant('leave' as const), n: fc.nat(1) }),
      fc.record({ do: fc.constant('restart' as const), n: fc.nat(1) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 20, size: 'max' }), async (acts) => {
        const world = await createWorld();
        const apis = [await serveApi(world), await serveApi(world)] as const;
        let instances: ServedApi[] = [...apis];
        let at = 0;
        const instance = (): ServedApi => instances[at] ?? apis[0];
        const id = await startTask(world, instance());
        const alice = reader(id, () => instance().connect('alice'));
        let seq = 0;
        for (const { do: what, n } of acts) {
          if (what === 'speak') for (let times = 0; times < n; times += 1) await speak(world, id, (seq += 1));
          if (what === 'hear')
            for (let times = 0; times < n && alice.seen.length < seq + 2; times += 1) await alice.hear();
          if (what === 'leave') {
            await alice.leave();
            at = n;
          }
          if (what === 'restart') {
            await alice.leave();
            await instance()[Symbol.asyncDispose]();
            const fresh = await serveApi(world);
            instances = instances.map((each, index) => (index === at ? fresh : each));
          }
        }
        while (alice.seen.length < seq + 2) await alice.hear();
        assert.deepEqual(alice.seen, await world.store.readStream(`task/${id}`, 0));
        await alice.leave();
        for (const each of instances) await each[Symbol.asyncDispose]();
      }),
      { numRuns: 25 },
    );
  });

  it('loses nothing of a burst, to however many readers', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const id = await startTask(world, api);
    const readers = Array.from({ length: 20 }, () => reader(id, () => api.connect('alice')));
    for (const each of readers) await each.hear();
    const words = 500;
    const heard = readers.map(async (each) => {
      while (each.seen.length < words + 2) await each.hear();
    });
    for (let seq = 1; seq <= words; seq += 1) await speak(world, id, seq);
    await Promise.all(heard);
    const stored = await world.store.readStream(`task/${id}`, 0);
    for (const each of readers) {
      assert.deepEqual(each.seen, stored);
      await each.leave();
    }
  });

  it('tells a reader that is too slow where to go on, and closes it with 1013', async () => {
    const world = await createWorld();
    const { promise: tooSlow, resolve } = Promise.withResolvers<undefined>();
    const log = Object.assign(
      (event: string) => (event === 'channel.too-slow' ? resolve(undefined) : undefined),
      silent,
    );
    const limits = { bufferedMax: 65_536, slowMs: 100, graceMs: 10_000 };
    await using api = await serveApi(world, { limits, over: { log } });
    const id = await startTask(world, api);
    const slow = await api.connect('alice');
    slow.say({ type: 'subscribe', stream: `task/${id}` });
    await slow.hear();
    slow.socket.pause();
    await flood(world, id, 60);
    await tooSlow;
    slow.socket.resume();
    let [last, message] = [1, await slow.hear()];
    for (; message.type !== 'error'; message = await slow.hear()) {
      if (message.type === 'event') assert.equal(message.version, (last += 1));
    }
    assert.deepEqual([message.code, message.resume], ['too-slow', { stream: `task/${id}`, after: last }]);
    assert.ok(last < 62, 'it was not slow at all');
    assert.equal((await slow.closed).code, 1013);
    const again = await api.connect('alice');
    again.say({ type: 'subscribe', ...message.resume });
    while (last < 62) assert.equal((await again.hear()).version, (last += 1));
    await again.leave();
  });

  it('cuts off a reader that never reads, within five seconds, while all others get everything', async () => {
    const world = await createWorld();
    await using api = await serveApi(world, { limits: { bufferedMax: 65_536, slowMs: 300, graceMs: 200 } });
    const id = await startTask(world, api);
    const dead = await api.connect('bob');
    const [deaf, fast] = [await api.connect('alice'), reader(id, () => api.connect('alice'))];
    deaf.say({ type: 'subscribe', stream: `task/${id}` });
    await deaf.hear();
    deaf.socket.pause();
    const before = performance.now();
    await flood(world, id, 60);
    while (fast.seen.length < 62) await fast.hear();
    await eventually(() => (api.webSockets.clients.size === 2 ? true : undefined), 'the deaf reader was kept');
    assert.ok(performance.now() - before < 5_000);
    deaf.socket.terminate();
    dead.say({ type: 'ping' });
    assert.equal((await dead.hear()).type, 'pong');
    await dead.leave();
    await fast.leave();
  });

  it('keeps a reader that is slow for a while', async () => {
    const world = await createWorld();
    await using api = await serveApi(world, { limits: { bufferedMax: 65_536, slowMs: 60_000 } });
    const id = await startTask(world, api);
    const alice = reader(id, () => api.connect('alice'));
    await alice.hear();
    await flood(world, id, 60);
    while (alice.seen.length < 62) await alice.hear();
    await alice.leave();
  });
});

/** More than the sockets between us and a client take up by themselves. */
const flood = async (world: World, id: TaskId, count: number): Promise<void> => {
  for (let seq = 1; seq <= count; seq += 1) await speak(world, id, seq, 'x'.repeat(200_000));
};

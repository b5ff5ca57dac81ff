import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type { TaskId } from '#events/ids.ts';
import { eventually } from '#test/support/eventually.ts';
import { sessionId, taskId, workerId } from '#test/support/ids.ts';
import { accepted } from '../submit-support.ts';
import { createWorld, openSession } from '../world.ts';
import type { Person, World } from '../world.ts';
import { serveApi } from './client.ts';
import type { Client, ServedApi } from './client.ts';

const submitAs = async (api: ServedApi, as: Person = 'alice'): Promise<TaskId> =>
  (await accepted(await api.ask('POST', '/api/chat', { as, body: { message: 'x' } }))).taskId;

/** Makes the agent say something, `count` times. */
const speak = async (world: World, id: TaskId, count: number, from = 1, text = 'word'): Promise<void> => {
  for (let seq = from; seq < from + count; seq += 1) {
    await world.moveTask(id, { type: 'progress', attempt: 1, seq, updates: [{ kind: 'text', text }] });
  }
};
const begin = (world: World, id: TaskId) =>
  world.moveTask(id, { type: 'start', workerId: workerId(1), sessionId: sessionId(1) });

const subscribe = (client: Client, id: TaskId, after?: number) =>
  client.say({ type: 'subscribe', stream: `task/${id}`, ...(after === undefined ? {} : { after }) });

const hearAll = async (client: Client, count: number) => {
  const heard = [];
  for (let n = 0; n < count; n += 1) heard.push(await client.hear());
  return heard.map(({ type, stream, version }) => [type, stream, version]);
};

describe('a subscription', () => {
  it('gives the past, says that it is live, and gives what comes', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const id = await submitAs(api);
    await begin(world, id);
    const client = await api.connect('alice');
    subscribe(client, id);
    const stream = `task/${id}`;
    assert.deepEqual(await hearAll(client, 3), [
      ['event', stream, 1],
      ['event', stream, 2],
      ['live', stream, undefined],
    ]);
    await speak(world, id, 2);
    assert.deepEqual(await hearAll(client, 2), [
      ['event', stream, 3],
      ['event', stream, 4],
    ]);
    await client.leave();
  });

  it('goes on after the position that is asked for, and carries the fact as it is stored', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const id = await submitAs(api);
    await begin(world, id);
    const client = await api.connect('alice');
    subscribe(client, id, 1);
    const { event } = await client.hear();
    assert.deepEqual(event, (await world.store.readStream(`task/${id}`, 1))[0]);
    await client.leave();
  });

  it('ends when asked, and can be begun again', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const id = await submitAs(api);
    const client = await api.connect('alice');
    subscribe(client, id);
    await hearAll(client, 2);
    client.say({ type: 'unsubscribe', stream: `task/${id}` });
    client.say({ type: 'ping' });
    assert.equal((await client.hear()).type, 'pong');
    await begin(world, id);
    await api.settled();
    client.say({ type: 'ping' });
    assert.equal((await client.hear()).type, 'pong');
    subscribe(client, id, 1);
    assert.equal((await client.hear()).version, 2);
    await client.leave();
  });

  it('to what is not there, or not theirs to see, is refused in the same words', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const id = await submitAs(api);
    await openSession(world, sessionId(1), 'alice');
    const bob = await api.connect('bob');
    const said = [];
    for (const stream of [
      `task/${id}`,
      `task/${taskId(9)}`,
      'task/none',
      `session/${sessionId(1)}`,
      'lock/slot-1',
      'account/aliceAAAAAAA',
    ]) {
      bob.say({ type: 'subscribe', stream });
      const { type, code, stream: about } = await bob.hear();
      said.push([type, code, about === stream]);
    }
    assert.deepEqual(
      said,
      Array.from({ length: 6 }, () => ['error', 'not-found', true]),
    );
    await bob.leave();
    const olga = await api.connect('olga');
    for (const stream of [`task/${id}`, `session/${sessionId(1)}`]) {
      olga.say({ type: 'subscribe', stream });
      assert.deepEqual([(await olga.hear()).type, (await olga.hear()).type], ['event', 'live']);
    }
    olga.say({ type: 'subscribe', stream: 'account/aliceAAAAAAA' });
    assert.equal((await olga.hear()).code, 'not-found');
    await olga.leave();
  });

  it('is one of a hundred at most, and one of each stream', async () => {
    const world = await createWorld();
    await using api = await serveApi(world, { limits: { subscriptionsMax: 2 } });
    const ids = [await submitAs(api), await submitAs(api), await submitAs(api)];
    const client = await api.connect('alice');
    for (const id of ids.slice(0, 2)) subscribe(client, id);
    await hearAll(client, 4);
    subscribe(client, ids[2] ?? taskId(1));
    assert.equal((await client.hear()).code, 'too-many-subscriptions');
    subscribe(client, ids[0] ?? taskId(1));
    assert.equal((await client.hear()).code, 'already-subscribed');
    client.say({ type: 'unsubscribe', stream: `task/${taskId(9)}` });
    assert.equal((await client.hear()).code, 'not-subscribed');
    await client.leave();
  });

  it('to $mine goes on from the cursor of the last message that was seen', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const first = await api.connect('alice');
    first.say({ type: 'subscribe', stream: '$mine' });
    const { type, cursor: start } = await first.hear();
    assert.equal(type, 'live');
    const ids = [await submitAs(api), await submitAs(api), await submitAs(api)];
    await submitAs(api, 'bob');
    const seen = await first.hear();
    assert.deepEqual([seen.type, seen.subscription, seen.version], ['event', '$mine', 1]);
    await first.leave();
    const second = await api.connect('alice');
    second.say({ type: 'subscribe', stream: '$mine', after: seen.cursor });
    const rest = [(await second.hear()).stream, (await second.hear()).stream];
    assert.deepEqual([seen.stream, ...rest].sort(), ids.map((id) => `task/${id}`).sort());
    assert.equal((await second.hear()).type, 'live');
    for (const after of ['nonsense', 5, `${start ?? ''}.1`]) {
      second.say({ type: 'unsubscribe', stream: '$mine' });
      second.say({ type: 'subscribe', stream: '$mine', after });
      const codes = [(await second.hear()).code];
      if (codes[0] === 'not-subscribed') codes.push((await second.hear()).code);
      assert.equal(codes.at(-1), 'invalid-cursor');
    }
    await second.leave();
  });

  it('waits out a store that does not answer, and leaves nothing out', async () => {
    const world = await createWorld();
    let away = true;
    let failures = 0;
    const readStream: typeof world.store.readStream = async (...args) => {
      if (!away) return world.store.readStream(...args);
      failures += 1;
      throw new Error('away');
    };
    await using api = await serveApi(world, { over: { store: { ...world.store, readStream } } });
    const id = await submitAs(api);
    const client = await api.connect('alice');
    subscribe(client, id);
    await eventually(() => (failures > 0 ? true : undefined), 'the store was not asked');
    await begin(world, id);
    away = false;
    const heard = (await hearAll(client, 3)).map(([type, , version]) => version ?? type);
    assert.deepEqual(heard, [1, 2, 'live']);
    await client.leave();
  });
});

describe('a client', () => {
  it('that says nonsense is told so, and keeps its channel', async () => {
    await using api = await serveApi(await createWorld());
    const client = await api.connect('alice');
    const nonsense = [
      'no json',
      '[]',
      '{}',
      '{"type":"shout"}',
      '{"type":"subscribe"}',
      '{"type":"subscribe","stream":"nothing"}',
      '{"type":"subscribe","stream":"task/x","after":-1}',
      '{"type":"ping","extra":1}',
      `{"type":"subscribe","stream":"task/x","after":"${'x'.repeat(3_000)}"}`,
    ];
    for (const text of nonsense) {
      client.say(text);
      const { type, code } = await client.hear();
      assert.deepEqual([type, code], ['error', 'invalid-message'], text);
    }
    client.socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
    assert.equal((await client.hear()).code, 'invalid-message');
    client.say({ type: 'subscribe', stream: `task/${taskId(1)}`, after: 'cursor' });
    assert.equal((await client.hear()).code, 'invalid-cursor');
    client.say({ type: 'ping' });
    assert.equal((await client.hear()).type, 'pong');
    await client.leave();
  });

  it('may send frames of 64 KiB and no more', async () => {
    await using api = await serveApi(await createWorld());
    const client = await api.connect('alice');
    client.say('x'.repeat(65_536));
    assert.equal((await client.hear()).code, 'invalid-message');
    client.say('x'.repeat(65_537));
    assert.equal((await client.closed).code, 1009);
  });

  it('is answered in the order in which it asks', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const client = await api.connect('alice');
    for (let n = 1; n <= 20; n += 1) client.say({ type: 'subscribe', stream: `task/${taskId(n)}` });
    client.say({ type: 'ping' });
    const heard = await hearAll(client, 21);
    assert.deepEqual(
      heard.map(([, stream]) => stream),
      [...Array.from({ length: 20 }, (_, n) => `task/${taskId(n + 1)}`), undefined],
    );
    await client.leave();
  });

  it('whose key is revoked or changes its role is closed with 4401', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    await using other = await serveApi(world);
    const [alice, alsoAlice, olga, bob] = [
      await api.connect('alice'),
      await other.connect('alice'),
      await api.connect('olga'),
      await api.connect('bob'),
    ];
    await world.revoke('alice');
    await world.changeRole('olga', 'member');
    const codes = await Promise.all([alice, alsoAlice, olga].map(async ({ closed }) => (await closed).code));
    assert.deepEqual(codes, [4401, 4401, 4401]);
    bob.say({ type: 'ping' });
    assert.equal((await bob.hear()).type, 'pong');
    await bob.leave();
  });

  it('that gives no sign of life is cut off; one that does is kept', async () => {
    await using api = await serveApi(await createWorld(), { limits: { pingMs: 30 } });
    const [dead, alive] = [await api.connect('alice'), await api.connect('bob')];
    // A client that reads nothing answers no ping either.
    dead.socket.pause();
    let pings = 0;
    alive.socket.on('ping', () => (pings += 1));
    await eventually(() => (pings >= 4 ? true : undefined), 'no pings');
    dead.socket.resume();
    assert.equal((await dead.closed).code, 1006);
    alive.say({ type: 'ping' });
    assert.equal((await alive.hear()).type, 'pong');
    await alive.leave();
  });

  it('is told that the server restarts', async () => {
    const api = await serveApi(await createWorld());
    const client = await api.connect('alice');
    await Promise.all([once(client.socket, 'close'), api[Symbol.asyncDispose]()]);
    assert.equal((await client.closed).code, 1012);
  });
});

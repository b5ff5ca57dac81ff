import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { sessionId } from '#test/support/ids.ts';
import { accepted, submit } from './submit-support.ts';
import { createWorld, openSession, startApi } from './world.ts';

const Said = z.record(z.string(), z.unknown());

const away = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.1'));

describe('GET /health', () => {
  it('answers within 10 ms, also when nothing behind it does', async () => {
    const world = await createWorld();
    const { readHead } = world.store;
    const store = { ...world.store, readRow: away, listRows: away, readLog: away, readHead };
    await using api = await startApi(world, { over: { store } });
    await api.ask('GET', '/health');
    const tookMs: number[] = [];
    for (let times = 0; times < 20; times += 1) {
      const before = performance.now();
      assert.equal((await api.ask('GET', '/health')).status, 200);
      tookMs.push(performance.now() - before);
    }
    assert.ok((tookMs.sort((a, b) => a - b)[10] ?? 99) < 10, tookMs.join(' '));
  });

  it('says the version, the time it is up and the numbers it knows', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    await accepted(await submit(api, { message: 'x' }));
    await openSession(world, sessionId(1), 'alice');
    await api.settled();
    const said = Said.parse(await (await api.ask('GET', '/health')).json());
    assert.deepEqual(
      { ...said, uptimeSeconds: 0 },
      {
        ...{ status: 'ok', version: '0.1.0', uptimeSeconds: 0 },
        sessions: { created: 1, active: 0, idle: 0 },
        queue: { pending: 1, processing: 0 },
      },
    );
  });

  it('leaves out numbers it does not know yet', async () => {
    const world = await createWorld();
    await using api = await startApi(world, { over: { store: { ...world.store, listRows: away } } });
    const said = Said.parse(await (await api.ask('GET', '/health')).json());
    assert.deepEqual(Object.keys(said), ['status', 'version', 'uptimeSeconds']);
  });
});

describe('GET /ready', () => {
  it('names the store when it does not answer, and tells the reason to operators only', async () => {
    const world = await createWorld();
    let fails = false;
    const readHead: typeof world.store.readHead = (shard) => (fails ? away() : world.store.readHead(shard));
    await using api = await startApi(world, { over: { store: { ...world.store, readHead } } });
    assert.equal((await api.ask('GET', '/ready')).status, 200);
    fails = true;
    for (const as of [undefined, 'garbage', 'alice'] as const) {
      const unready = await api.ask('GET', '/ready', as === undefined ? {} : { as });
      assert.equal(unready.status, 503);
      assert.deepEqual(await unready.json(), { status: 'unavailable', failing: [{ dependency: 'store' }] });
    }
    const told = await (await api.ask('GET', '/ready', { as: 'olga' })).json();
    assert.deepEqual(told, {
      status: 'unavailable',
      failing: [{ dependency: 'store', reason: 'store does not answer: connect ECONNREFUSED 10.0.0.1' }],
    });
  });

  it('does not wait longer than a second', async () => {
    const world = await createWorld();
    let stuck = false;
    const readHead: typeof world.store.readHead = (shard) =>
      stuck ? new Promise(() => undefined) : world.store.readHead(shard);
    await using api = await startApi(world, { over: { store: { ...world.store, readHead } } });
    stuck = true;
    const before = performance.now();
    assert.equal((await api.ask('GET', '/ready')).status, 503);
    assert.ok(performance.now() - before < 1_900);
  });

  it('is withdrawn as soon as the service is to stop', async () => {
    await using api = await startApi(await createWorld());
    api.stop.abort();
    assert.equal((await api.ask('GET', '/ready')).status, 503);
    assert.equal((await api.ask('GET', '/health')).status, 200);
  });
});

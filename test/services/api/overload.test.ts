import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listen } from '#platform/http/listen.ts';
import { accepted, submit, tasksIn } from './submit-support.ts';
import { createWorld, startApi } from './world.ts';

describe('overload', () => {
  it('refuses new tasks while too many wait, says when to come back, and takes them again once they are fewer', async () => {
    const world = await createWorld();
    await using api = await startApi(world, { env: { PENDING_MAX: '2' } });
    const { taskId } = await accepted(await submit(api, { message: '1' }));
    await accepted(await submit(api, { message: '2' }));
    await api.settled();
    const refused = await submit(api, { message: '3' });
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('retry-after'), '5');
    assert.equal(await tasksIn(world), 2);
    await world.moveTask(taskId, { type: 'request-cancel' });
    await api.settled();
    await accepted(await submit(api, { message: '3' }));
  });

  it('keeps to that number however many come at once, and whether or not the log has told of them', async () => {
    const world = await createWorld();
    await using api = await startApi(world, { env: { PENDING_MAX: '5' }, over: { onWake: () => () => undefined } });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => submit(api, { message: String(n) })));
    assert.equal(answers.filter(({ status }) => status === 202).length, 5);
    assert.equal((await submit(api, { message: 'one more' })).status, 503);
    assert.equal(await tasksIn(world), 5);
  });

  it('refuses more submissions at the same moment than the store shall bear', async () => {
    const world = await createWorld();
    const { promise: free, resolve: go } = Promise.withResolvers<undefined>();
    const slow = {
      ...world.store,
      append: async (...args: Parameters<typeof world.store.append>) => {
        await free;
        return world.store.append(...args);
      },
    };
    await using api = await startApi(world, { env: { SUBMITS_MAX: '2' }, over: { store: slow } });
    const first = [submit(api, { message: '1' }), submit(api, { message: '2' })];
    const refused = await submit(api, { message: '3' });
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('retry-after'), '1');
    go(undefined);
    await Promise.all((await Promise.all(first)).map(accepted));
    await accepted(await submit(api, { message: '3' }));
  });

  it('is answered at the door, before the key is looked at or the body read, and on the same connection as before', async () => {
    await using api = await startApi(await createWorld(), {
      env: { PENDING_MAX: '1', ALLOWED_ORIGINS: 'https://console.example.com' },
    });
    await using server = await listen(api.app, { host: '127.0.0.1', port: 0, drainMs: 0, door: api.door });
    const knock = (path: string, method = 'POST', headers: Record<string, string> = {}) =>
      fetch(`${server.url}${path}`, { method, headers, ...(method === 'POST' ? { body: 'no JSON' } : {}) });
    assert.equal((await knock('/api/chat')).status, 401);
    await accepted(await submit(api, { message: '1' }));
    await api.settled();
    for (const path of ['/api/chat', '/api/chat?more']) {
      const refused = await knock(path);
      assert.equal(refused.status, 503);
      assert.equal(refused.headers.get('retry-after'), '5');
      assert.equal(refused.headers.get('content-type'), 'application/problem+json');
      assert.equal(refused.headers.get('cache-control'), 'no-store');
      const asked = await submit(api, { message: '2' });
      assert.deepEqual(await refused.json(), await asked.json());
    }
    assert.equal((await knock('/health', 'GET')).status, 200);
    assert.equal((await knock('/api/tasks', 'GET')).status, 401);
    // A page reads nothing without headers that only the app knows; what is no submission is let in as well.
    const page = await knock('/api/chat', 'POST', { origin: 'https://console.example.com' });
    assert.equal(page.headers.get('access-control-allow-origin'), 'https://console.example.com');
    assert.equal(page.status, 401);
  });

  it('of one key is answered 429 and leaves the others alone', async () => {
    await using api = await startApi(await createWorld(), { env: { RATE_PER_SECOND: '1' } });
    const asked = await Promise.all(Array.from({ length: 5 }, () => api.ask('GET', '/api/tasks', { as: 'alice' })));
    assert.deepEqual(
      asked.map(({ status }) => status),
      [200, 200, 429, 429, 429],
    );
    assert.equal(asked[2]?.headers.get('retry-after'), '1');
    assert.equal((await api.ask('GET', '/api/tasks', { as: 'bob' })).status, 200);
  });

  it('of the store itself is 503 by name, and the caller learns that repeating is safe', async () => {
    const world = await createWorld();
    const away = { ...world.store, append: () => Promise.reject(new Error('ECONNREFUSED')) };
    await using api = await startApi(world, { over: { store: away } });
    const answer = await submit(api, { message: 'x' });
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '2');
    assert.match(await answer.text(), /store does not answer.*Idempotency-Key/);
  });
});

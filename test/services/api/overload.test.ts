import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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

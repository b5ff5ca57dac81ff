import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { sessionId, taskId, workerId } from '#test/support/ids.ts';
import { createWorld, openSession, startApi } from './world.ts';

const View = z.looseObject({ sessionId: z.string(), status: z.string(), version: z.int() });
const Page = z.object({ sessions: z.array(View), next: z.string().optional() });
const holder = { workerId: workerId(1), generation: 1 };

describe('sessions', () => {
  it('are listed to their owner, and all of them to operators, newest first', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    for (const [n, of] of [
      [1, 'alice'],
      [2, 'bob'],
      [3, 'alice'],
    ] as const) {
      world.time.now += 1_000;
      await openSession(world, sessionId(n), of, n);
    }
    const idsOf = async (as: string, query = '') => {
      const page = Page.parse(await (await api.ask('GET', `/api/sessions${query}`, { as })).json());
      return { ids: page.sessions.map((each) => each.sessionId), next: page.next };
    };
    assert.deepEqual((await idsOf('alice')).ids, [sessionId(3), sessionId(1)]);
    assert.deepEqual((await idsOf('bob')).ids, [sessionId(2)]);
    const first = await idsOf('olga', '?limit=2');
    assert.deepEqual(first.ids, [sessionId(3), sessionId(2)]);
    assert.deepEqual((await idsOf('olga', `?limit=2&cursor=${first.next ?? ''}`)).ids, [sessionId(1)]);
    assert.equal((await api.ask('GET', '/api/sessions?cursor=x', { as: 'alice' })).status, 422);
  });

  it('are shown to their owner and to operators only', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    await openSession(world, sessionId(1), 'alice');
    const path = `/api/session/${sessionId(1)}`;
    const view = View.parse(await (await api.ask('GET', path, { as: 'alice' })).json());
    assert.deepEqual([view.status, view['createdAt'], view.version], ['created', '2026-01-01T00:00:00.000Z', 1]);
    assert.equal((await api.ask('GET', path, { as: 'olga' })).status, 200);
    assert.equal((await api.ask('GET', path, { as: 'bob' })).status, 404);
    assert.equal((await api.ask('GET', `/api/session/${sessionId(2)}`, { as: 'alice' })).status, 404);
    assert.equal((await api.ask('GET', '/api/session/mine', { as: 'alice' })).status, 404);
  });

  it('that wait are closed on request, once, and the fact says who asked', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    await openSession(world, sessionId(1), 'alice');
    for (let times = 0; times < 2; times += 1) {
      const closed = await api.ask('POST', `/api/session/${sessionId(1)}/close`, { as: 'alice' });
      assert.equal(closed.status, 202);
      const view = View.parse(await closed.json());
      assert.deepEqual([view.status, view['closeReason'], view.version], ['closed', 'requested', 2]);
    }
    const [, fact] = await world.store.readStream(`session/${sessionId(1)}`, 0);
    assert.deepEqual([fact?.type, fact?.actor], ['SessionClosed', 'account:aliceAAAAAAA']);
  });

  it('that work are not closed', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    await openSession(world, sessionId(1), 'alice');
    await world.moveSession(sessionId(1), { type: 'activate', taskId: taskId(1), ...holder });
    const busy = await api.ask('POST', `/api/session/${sessionId(1)}/close`, { as: 'alice' });
    assert.equal(busy.status, 409);
    assert.match(await busy.text(), /problems\/session-busy/);
  });

  it('are closed by their owner and by operators only', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    await openSession(world, sessionId(1), 'alice');
    const close = (as: string, n = 1) => api.ask('POST', `/api/session/${sessionId(n)}/close`, { as });
    assert.equal((await close('bob')).status, 404);
    assert.equal((await close('olga', 2)).status, 404);
    assert.equal((await close('olga')).status, 202);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { sessionId, workerId } from '#test/support/ids.ts';
import { TaskListItem } from '../../../services/api/task-view.ts';
import { accepted } from './submit-support.ts';
import { createWorld, startApi } from './world.ts';
import type { Person, TestApi, World } from './world.ts';

const Page = z.object({ tasks: z.array(TaskListItem), next: z.string().optional() });

const submitAs = async (api: TestApi, world: World, as: Person, message: string) => {
  world.time.now += 7;
  return (await accepted(await api.ask('POST', '/api/chat', { as, body: { message } }))).taskId;
};

const list = async (api: TestApi, as: Person, query = '') => {
  const answer = await api.ask('GET', `/api/tasks${query}`, { as });
  assert.equal(answer.status, 200, await answer.clone().text());
  return { ...Page.parse(await answer.json()), link: answer.headers.get('link') };
};

/** All pages, by following the links. */
const walk = async (api: TestApi, as: Person, query: string): Promise<string[]> => {
  const found: string[] = [];
  let next: string | undefined = query;
  while (next !== undefined) {
    const { tasks, link } = await list(api, as, next);
    found.push(...tasks.map(({ taskId }) => taskId));
    next = /<\/api\/tasks([^>]+)>; rel="next"/.exec(link ?? '')?.[1];
  }
  return found;
};

describe('the list of tasks', () => {
  it('holds a member’s own, newest first, whatever the size of a page', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    const mine: string[] = [];
    for (let n = 0; n < 9; n += 1) {
      mine.unshift(await submitAs(api, world, 'alice', `mine ${n}`));
      await submitAs(api, world, 'bob', `other ${n}`);
    }
    for (const limit of [1, 2, 4, 9, 100]) assert.deepEqual(await walk(api, 'alice', `?limit=${limit}`), mine);
  });

  it('holds everybody’s for operators, and none is left out or doubled while new ones come', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    const all: string[] = [];
    for (let n = 0; n < 6; n += 1) all.unshift(await submitAs(api, world, n % 2 ? 'alice' : 'bob', `${n}`));
    const first = await list(api, 'olga', '?limit=3');
    await submitAs(api, world, 'alice', 'new');
    const second = await list(api, 'olga', `?limit=100&cursor=${first.next ?? ''}`);
    assert.deepEqual(
      [...first.tasks, ...second.tasks].map(({ taskId }) => taskId),
      all,
    );
    assert.equal(second.next, undefined);
  });

  it('of one state holds those that are in it now', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    const a = await submitAs(api, world, 'alice', 'a');
    const b = await submitAs(api, world, 'alice', 'b');
    const c = await submitAs(api, world, 'bob', 'c');
    await world.moveTask(a, { type: 'start', workerId: workerId(1), sessionId: sessionId(1) });
    await world.moveTask(b, { type: 'request-cancel' });
    assert.deepEqual(await walk(api, 'alice', '?status=processing'), [a]);
    assert.deepEqual(await walk(api, 'alice', '?status=cancelled'), [b]);
    assert.deepEqual(await walk(api, 'alice', '?status=pending'), []);
    assert.deepEqual(await walk(api, 'olga', '?status=pending'), [c]);
  });

  it('shows the beginning of long texts and says so, and never metadata', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    for (const length of [100, 1_024, 1_025, 40_000]) {
      const message = 'x'.repeat(length);
      await accepted(await api.ask('POST', '/api/chat', { as: 'alice', body: { message, metadata: { a: 1 } } }));
      world.time.now += 1;
    }
    const { tasks } = await list(api, 'alice');
    assert.deepEqual(tasks.map(({ prompt, truncated }) => [prompt.length, truncated]).reverse(), [
      [100, false],
      [1_024, false],
      [1_024, true],
      [1_024, true],
    ]);
    assert.ok(tasks.every((item) => !('metadata' in item)));
  });

  it('refuses a cursor that is none, or of another list', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    for (let n = 0; n < 3; n += 1) await submitAs(api, world, 'alice', `${n}`);
    const { next = '' } = await list(api, 'alice', '?limit=1');
    const refused = ['?cursor=nonsense', `?status=failed&cursor=${next}`, '?limit=0', '?limit=101', '?state=pending'];
    for (const query of refused) {
      assert.equal((await api.ask('GET', `/api/tasks${query}`, { as: 'alice' })).status, 422, query);
    }
    assert.equal((await api.ask('GET', `/api/tasks?cursor=${next}`, { as: 'bob' })).status, 422);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { absent } from '#events/decider.ts';
import type { TaskId } from '#events/ids.ts';
import { parseTaskEvent, task, Task } from '#events/task.ts';
import type { TaskState } from '#events/task.ts';
import { sessionId, workerId } from '#test/support/ids.ts';
import { TaskView } from '../../../services/api/task-view.ts';
import { accepted, submit } from './submit-support.ts';
import { createWorld, startApi } from './world.ts';
import type { TestApi, World } from './world.ts';

const start = { type: 'start', workerId: workerId(1), sessionId: sessionId(1) } as const;
const usage = { kind: 'usage', credits: 0.25, inputTokens: 10, outputTokens: 5, agentMs: 100 } as const;
const progress = { type: 'progress', attempt: 1, seq: 1, updates: [{ kind: 'text', text: 'hm' }, usage] } as const;
const result = { kind: 'inline', text: 'Done.' } as const;
const complete = { type: 'complete', attempt: 1, stopReason: 'end_turn', result } as const;

/** A task of alice's in an API of its own. */
const withTask = async () => {
  const world = await createWorld();
  const api = await startApi(world);
  const { taskId } = await accepted(await submit(api, { message: 'x', metadata: { a: 1 } }));
  return { world, api, taskId, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
};

/** Asks with `wait` and gives back the answer that will come, once the task has been read and is waited for. */
const wait = async (world: World, taskId: TaskId, headers: Record<string, string> = {}, query = '') => {
  const { promise: looked, resolve } = Promise.withResolvers<undefined>();
  const readRow: World['store']['readRow'] = async (stream) => {
    const row = await world.store.readRow(stream);
    if (stream === `task/${taskId}`) resolve(undefined);
    return row;
  };
  const api = await startApi(world, { over: { store: { ...world.store, readRow } } });
  const answer = read(api, `/api/task/${taskId}?wait=30${query}`, headers);
  await looked;
  return { api, answer, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
};
const finish = async (world: World, taskId: TaskId) => {
  await world.moveTask(taskId, start);
  await world.moveTask(taskId, { ...progress, updates: [...progress.updates] });
  await world.moveTask(taskId, complete);
};
const read = (api: TestApi, path: string, headers: Record<string, string> = {}, as = 'alice') =>
  api.ask('GET', path, { as, headers });
const viewOf = async (answer: Response) => {
  assert.equal(answer.status, 200, await answer.clone().text());
  return TaskView.parse(await answer.json());
};

describe('reading a task', () => {
  it('finds it right after it was submitted', async () => {
    await using t = await withTask();
    const view = await viewOf(await read(t.api, `/api/task/${t.taskId}`));
    assert.deepEqual(
      { ...view, createdAt: 0 },
      {
        ...{ taskId: t.taskId, status: 'pending', createdAt: 0, prompt: 'x', attempt: 0, priority: 'normal' },
        ...{ usage: { credits: 0, inputTokens: 0, outputTokens: 0, agentMs: 0 }, metadata: { a: 1 }, version: 1 },
        ...{ owner: 'aliceAAAAAAA', timeoutMs: 300_000 },
      },
    );
  });

  it('shows its outcome, its times and what it used', async () => {
    await using t = await withTask();
    t.world.time.now += 1_000;
    await finish(t.world, t.taskId);
    const view = await viewOf(await read(t.api, `/api/task/${t.taskId}`));
    assert.deepEqual([view.status, view.result, view.attempt, view.version], ['completed', 'Done.', 1, 4]);
    assert.deepEqual([view.startedAt, view.finishedAt], ['2026-01-01T00:00:01.000Z', '2026-01-01T00:00:01.000Z']);
    assert.deepEqual(view.usage, { credits: 0.25, inputTokens: 10, outputTokens: 5, agentMs: 100 });
    assert.equal(view.sessionId, sessionId(1));
  });

  it('shows it to operators, and to other members no more than a task that does not exist', async () => {
    await using t = await withTask();
    assert.equal((await read(t.api, `/api/task/${t.taskId}`, {}, 'olga')).status, 200);
    const others = await read(t.api, `/api/task/${t.taskId}`, {}, 'bob');
    const none = await read(t.api, '/api/task/01999999-0000-7000-8000-000000000001', {}, 'bob');
    assert.deepEqual([others.status, await others.json()], [404, await none.json()]);
    assert.equal((await read(t.api, '/api/task/no-uuid')).status, 404);
  });

  it('is answered 304 while it has not moved', async () => {
    await using t = await withTask();
    const path = `/api/task/${t.taskId}`;
    const etag = (await read(t.api, path)).headers.get('etag') ?? '';
    assert.equal(etag, '"1"');
    for (const known of [etag, `W/${etag}`, `"0", ${etag}`]) {
      const same = await read(t.api, path, { 'if-none-match': known });
      assert.deepEqual([same.status, await same.text(), same.headers.get('etag')], [304, '', etag], known);
    }
    await t.world.moveTask(t.taskId, start);
    const moved = await read(t.api, path, { 'if-none-match': etag });
    assert.deepEqual([moved.status, moved.headers.get('etag')], [200, '"2"']);
  });

  it('as it was at every version shows the fold of its first facts', async () => {
    await using t = await withTask();
    await finish(t.world, t.taskId);
    const facts = (await t.world.store.readStream(`task/${t.taskId}`, 0)).map(parseTaskEvent);
    for (let at = 1; at <= facts.length; at += 1) {
      const then = Task.parse(facts.slice(0, at).reduce<TaskState>(task.evolve, absent));
      const view = await viewOf(await read(t.api, `/api/task/${t.taskId}?at=${at}`));
      assert.deepEqual([view.version, view.status, view.attempt], [at, then.status, then.attempt]);
      assert.deepEqual(view.usage, then.usage);
    }
    assert.equal((await read(t.api, `/api/task/${t.taskId}?at=5`)).status, 404);
    assert.equal((await read(t.api, `/api/task/${t.taskId}?at=0`)).status, 422);
  });

  it('refuses numbers that are none and parameters it does not know', async () => {
    await using t = await withTask();
    for (const query of ['wait=-1', 'wait=31', 'wait=1e1', 'wait=', 'version=x', 'at=1.5', 'wat=1', 'wait=1&wait=2']) {
      assert.equal((await read(t.api, `/api/task/${t.taskId}?${query}`)).status, 422, query);
    }
  });
});

describe('waiting for a task', () => {
  for (const [known, headers, query] of [
    ['it has', {}, ''],
    ['that is known by its ETag', { 'if-none-match': '"1"' }, ''],
    ['that is known by its number', {}, '&version=1'],
  ] as const) {
    it(`ends when it moves beyond the version ${known}, whichever instance moves it`, async () => {
      await using t = await withTask();
      await using waiting = await wait(t.world, t.taskId, headers, query);
      await t.api.ask('POST', `/api/task/${t.taskId}/cancel`, { as: 'alice' });
      assert.equal((await viewOf(await waiting.answer)).status, 'cancelled');
    });
  }

  it('is over at once when it has moved already, or the task is over', async () => {
    await using t = await withTask();
    await t.world.moveTask(t.taskId, start);
    assert.equal((await viewOf(await read(t.api, `/api/task/${t.taskId}?wait=30&version=1`))).version, 2);
    await t.world.moveTask(t.taskId, complete);
    assert.equal((await viewOf(await read(t.api, `/api/task/${t.taskId}?wait=30`))).status, 'completed');
    assert.equal((await read(t.api, `/api/task/${t.taskId}?wait=30`, { 'if-none-match': '"3"' })).status, 304);
  });

  it('ends with its time, and says that nothing has moved', async () => {
    await using t = await withTask();
    const before = performance.now();
    const same = await read(t.api, `/api/task/${t.taskId}?wait=1`, { 'if-none-match': '"1"' });
    assert.equal(same.status, 304);
    assert.ok(performance.now() - before >= 990);
    assert.equal((await viewOf(await read(t.api, `/api/task/${t.taskId}?wait=0`))).version, 1);
  });

  it('ends when the service stops', async () => {
    await using t = await withTask();
    await using waiting = await wait(t.world, t.taskId);
    waiting.api.stop.abort();
    assert.equal((await viewOf(await waiting.answer)).version, 1);
  });

  it('is not answered to a key that was revoked meanwhile', async () => {
    await using t = await withTask();
    await using waiting = await wait(t.world, t.taskId);
    await t.world.revoke('alice');
    await waiting.api.settled();
    await t.world.moveTask(t.taskId, start);
    assert.equal((await waiting.answer).status, 401);
  });
});

describe('the facts of a task', () => {
  const Page = z.object({ events: z.array(z.looseObject({ version: z.int() })), next: z.int().optional() });

  it('come in order and whole, page by page', async () => {
    await using t = await withTask();
    await finish(t.world, t.taskId);
    const stored = await t.world.store.readStream(`task/${t.taskId}`, 0);
    for (const limit of [1, 2, 3, 4, 100]) {
      const events: unknown[] = [];
      let path: string | undefined = `/api/task/${t.taskId}/events?limit=${limit}`;
      while (path !== undefined) {
        const answer = await read(t.api, path);
        const page = Page.parse(await answer.json());
        events.push(...page.events);
        path = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
        assert.equal(path === undefined, page.next === undefined);
      }
      assert.deepEqual(events, stored, `limit ${limit}`);
    }
  });

  it('are given after any version, and are nobody else’s', async () => {
    await using t = await withTask();
    await finish(t.world, t.taskId);
    const after = Page.parse(await (await read(t.api, `/api/task/${t.taskId}/events?after=3`)).json());
    assert.deepEqual(
      after.events.map(({ version }) => version),
      [4],
    );
    assert.deepEqual(Page.parse(await (await read(t.api, `/api/task/${t.taskId}/events?after=99`)).json()).events, []);
    assert.equal((await read(t.api, `/api/task/${t.taskId}/events`, {}, 'bob')).status, 404);
    assert.equal((await read(t.api, `/api/task/${t.taskId}/events?limit=0`)).status, 422);
  });
});

describe('cancelling a task', () => {
  const cancel = (api: TestApi, taskId: string, as = 'alice', body?: unknown) =>
    api.ask('POST', `/api/task/${taskId}/cancel`, { as, ...(body === undefined ? {} : { body }) });

  it('that waits ends it, and repeating that changes nothing', async () => {
    await using t = await withTask();
    for (let times = 0; times < 2; times += 1) {
      const answer = await cancel(t.api, t.taskId, 'alice', { reason: 'typo' });
      assert.equal(answer.status, 202);
      assert.deepEqual(await answer.json(), { taskId: t.taskId, status: 'cancelled', version: 3 });
    }
    const [, asked] = await t.world.store.readStream(`task/${t.taskId}`, 0);
    assert.deepEqual([asked?.type, asked?.actor], ['TaskCancelRequested', 'account:aliceAAAAAAA']);
  });

  it('that runs tells its worker', async () => {
    await using t = await withTask();
    await t.world.moveTask(t.taskId, start);
    const answer = await cancel(t.api, t.taskId);
    assert.deepEqual(await answer.json(), { taskId: t.taskId, status: 'processing', version: 3 });
  });

  it('that is over is refused', async () => {
    await using t = await withTask();
    await finish(t.world, t.taskId);
    assert.equal((await cancel(t.api, t.taskId)).status, 409);
  });

  it('is for its owner and for operators', async () => {
    await using t = await withTask();
    assert.equal((await cancel(t.api, t.taskId, 'bob')).status, 404);
    assert.equal((await cancel(t.api, t.taskId, 'olga')).status, 202);
  });

  it('refuses a reason that is none', async () => {
    await using t = await withTask();
    for (const body of [{ reason: 1 }, { why: 'x' }, { reason: 'x'.repeat(1_001) }]) {
      assert.equal((await cancel(t.api, t.taskId, 'alice', body)).status, 422);
    }
  });
});

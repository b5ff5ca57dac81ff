import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { Task } from '#events/task.ts';
import { sessionId } from '#test/support/ids.ts';
import { accepted, Refused, submit, tasksIn } from './submit-support.ts';
import { createWorld, openSession, people, startApi } from './world.ts';
import type { World } from './world.ts';

const storedTask = async ({ store }: World, taskId: string) => Task.parse((await store.readRow(`task/${taskId}`))?.row);
describe('submitting a task', () => {
  it('stores it before it is accepted, names where it is, and owes it to the account that asked', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    const answer = await submit(api, { message: 'Write a poem.' }, { 'x-request-id': 'req-1' });
    const { taskId, createdAt } = await accepted(answer);
    assert.equal(answer.headers.get('location'), `/api/task/${taskId}`);
    const task = await storedTask(world, taskId);
    assert.equal(task.owner, people.alice.accountId);
    assert.deepEqual(task.prompt, { kind: 'inline', text: 'Write a poem.' });
    assert.equal(new Date(task.createdAt).toISOString(), createdAt);
    assert.deepEqual([task.priority, task.timeoutMs, task.attemptsMax], ['normal', 300_000, 3]);
    const [fact] = await world.store.readStream(`task/${taskId}`, 0);
    assert.deepEqual([fact?.actor, fact?.correlationId], [`account:${people.alice.accountId}`, 'req-1']);
  });

  it('keeps everything that was asked for', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    await openSession(world, sessionId(1), 'alice');
    const asked = {
      priority: 'high',
      sessionId: sessionId(1),
      repository: 'https://github.com/octocat/hello-world.git',
      ref: 'feature/x',
      timeoutMs: 60_000,
      limits: { credits: 1.5 },
      metadata: { ticket: 'A-1', nested: { list: [1, 'two', null] } },
    };
    const { taskId } = await accepted(await submit(api, { message: 'Do it.', ...asked }));
    const task = await storedTask(world, taskId);
    const { priority, repository, ref, timeoutMs, limits, metadata } = task;
    assert.deepEqual({ priority, sessionId: task.sessionId, repository, ref, timeoutMs, limits, metadata }, asked);
  });

  it('stores a long prompt as an artifact, and gives it back whole', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    const message = 'ä'.repeat(400_000);
    const { taskId } = await accepted(await submit(api, { message }));
    assert.equal((await storedTask(world, taskId)).prompt.kind, 'stored');
    const read = await api.ask('GET', `/api/task/${taskId}`, { as: 'alice' });
    assert.equal(z.object({ prompt: z.string() }).parse(await read.json()).prompt, message);
  });

  it('takes a body of one MiB and not a byte more', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    const bodyOf = (bytes: number) => `{"message":"${'x'.repeat(bytes - 14)}"}`;
    await accepted(await submit(api, bodyOf(1_048_576)));
    const tooLarge = await submit(api, bodyOf(1_048_577));
    assert.equal(tooLarge.status, 413);
    assert.equal(await tasksIn(world), 1);
  });

  const refusals: readonly (readonly [name: string, body: unknown, pointer: string])[] = [
    ['nothing', {}, '/message'],
    ['no object', [], ''],
    ['an empty message', { message: '' }, '/message'],
    ['a blank message', { message: ' \n' }, '/message'],
    ['a message that is no Unicode', '{"message":"\\ud800"}', '/message'],
    ['an unknown field', { message: 'x', messages: 'y' }, '/messages'],
    ['an unknown priority', { message: 'x', priority: 'urgent' }, '/priority'],
    ['a session id that is none', { message: 'x', sessionId: 'mine' }, '/sessionId'],
    ['a session that does not exist', { message: 'x', sessionId: sessionId(9) }, '/sessionId'],
    ['a time limit below a second', { message: 'x', timeoutMs: 999 }, '/timeoutMs'],
    ['a time limit above the most', { message: 'x', timeoutMs: 300_001 }, '/timeoutMs'],
    ['no credits', { message: 'x', limits: { credits: 0 } }, '/limits/credits'],
    ['an unknown limit', { message: 'x', limits: { dollars: 1 } }, '/limits/dollars'],
    ['a ref without a repository', { message: 'x', ref: 'main' }, '/ref'],
    ['metadata that is no object', { message: 'x', metadata: [1] }, '/metadata'],
    ['metadata above 16 KiB', { message: 'x', metadata: { text: 'x'.repeat(16_384) } }, '/metadata'],
    ['a prototype key', '{"message":"x","__proto__":{"admin":true}}', '/__proto__'],
    ['a prototype key in metadata', '{"message":"x","metadata":{"a":[{"__proto__":1}]}}', '/metadata/a/0/__proto__'],
    ['a constructor in metadata', { message: 'x', metadata: { constructor: 1 } }, '/metadata/constructor'],
    ['nesting without end', `{"message":"x","metadata":{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`, '/metadata'],
  ];
  for (const [name, body, pointer] of refusals) {
    it(`refuses ${name}, names the field and stores nothing`, async () => {
      const world = await createWorld();
      await using api = await startApi(world);
      const answer = await submit(api, body);
      assert.equal(answer.status, 422, await answer.clone().text());
      const { type, errors } = Refused.parse(await answer.json());
      assert.equal(type, 'https://kiro-dispatch.dev/problems/invalid-request');
      assert.ok(
        errors.some((error) => error.pointer === pointer),
        JSON.stringify(errors),
      );
      assert.equal(await tasksIn(world), 0);
    });
  }

  const repositories = {
    good: ['octocat/hello-world', 'https://github.com/o/r', 'https://git.example:8443/a/b/c.git', 'a/..b'],
    bad: [
      'octocat',
      'octocat/..',
      '-x/y',
      'git@github.com:o/r',
      'http://github.com/o/r',
      'file:///etc/passwd',
      'https://user@github.com/o/r',
      'https://user:secret@github.com/o/r',
      'https://github.com/o/r?token=secret',
      'https://github.com/o/r#x',
      'https://github.com',
      '--upload-pack=touch x',
    ],
  };
  const refs = {
    good: ['main', 'feature/x', 'v1.2.3', 'refs/tags/v1', '0123456789abcdef0123456789abcdef01234567'],
    bad: [
      '-x',
      '--upload-pack=x',
      'a..b',
      '@{-1}',
      'a b',
      'a\nb',
      'x.lock',
      '.x',
      'a/.b',
      '/a',
      'a/',
      'a//b',
      'a:b',
      '@',
    ],
  };
  it('takes owner/name and https addresses without credentials for a repository, and nothing else', async () => {
    await using api = await startApi(await createWorld());
    for (const repository of repositories.good) await accepted(await submit(api, { message: 'x', repository }));
    for (const repository of repositories.bad) {
      assert.equal((await submit(api, { message: 'x', repository })).status, 422, repository);
    }
  });

  it('takes what git takes for a ref, and nothing that a command line could mistake', async () => {
    await using api = await startApi(await createWorld());
    const repository = 'o/r';
    for (const ref of refs.good) await accepted(await submit(api, { message: 'x', repository, ref }));
    for (const ref of refs.bad) {
      assert.equal((await submit(api, { message: 'x', repository, ref })).status, 422, ref);
    }
  });

  it('refuses the session of another in the words for one that does not exist, whatever the role', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    await openSession(world, sessionId(1), 'bob');
    for (const as of ['alice', 'olga'] as const) {
      const ask = (id: string) => api.ask('POST', '/api/chat', { as, body: { message: 'x', sessionId: id } });
      const others = await ask(sessionId(1));
      assert.equal(others.status, 422);
      assert.deepEqual(await others.json(), await (await ask(sessionId(2))).json());
    }
  });

  it('refuses what is no JSON, another format and a wrong Accept, each by its name', async () => {
    await using api = await startApi(await createWorld());
    const ask = (body: string, headers: Record<string, string>) => submit(api, body, headers);
    assert.equal((await ask('{"message":', {})).status, 400);
    assert.equal((await ask('{"message":"x"}', { 'content-type': 'text/plain' })).status, 415);
    assert.equal((await ask('{"message":"x"}', { accept: 'text/html' })).status, 406);
  });
});

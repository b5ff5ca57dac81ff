import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accepted, Refused, submit, tasksIn } from './submit-support.ts';
import { createWorld, startApi } from './world.ts';

describe('an Idempotency-Key', () => {
  const key = { 'idempotency-key': 'k-1' };

  it('makes one task of 64 requests at the same moment, and gives all of them the same answer', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    await using other = await startApi(world);
    const asked = Array.from({ length: 64 }, (_, index) => submit(index % 2 ? api : other, { message: 'x' }, key));
    const answers = await Promise.all(asked);
    const bodies = await Promise.all(answers.map(accepted));
    assert.equal(new Set(bodies.map((body) => JSON.stringify(body))).size, 1);
    assert.equal(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null).length, 1);
    assert.equal(new Set(answers.map(({ headers }) => headers.get('location'))).size, 1);
    assert.equal(await tasksIn(world), 1);
  });

  it('repeats the first answer, whatever order the fields come in and however the defaults are said', async () => {
    await using api = await startApi(await createWorld());
    const first = await accepted(await submit(api, { message: 'x', metadata: { a: 1, b: 2 } }, key));
    const again = await submit(api, { metadata: { b: 2, a: 1 }, priority: 'normal', message: 'x' }, key);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.deepEqual(await accepted(again), first);
  });

  it('refuses another request under the same key', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    await accepted(await submit(api, { message: 'x' }, key));
    const other = await submit(api, { message: 'y' }, key);
    assert.equal(other.status, 422);
    assert.equal(Refused.parse(await other.json()).type, 'https://kiro-dispatch.dev/problems/idempotency-key-reused');
    assert.equal(await tasksIn(world), 1);
  });

  it('of one account says nothing about another’s', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    const alices = await accepted(await submit(api, { message: 'x' }, key));
    const bobs = await accepted(
      await api.ask('POST', '/api/chat', { as: 'bob', body: { message: 'x' }, headers: key }),
    );
    assert.notEqual(bobs.taskId, alices.taskId);
  });

  it('is forgotten after a day', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    const first = await accepted(await submit(api, { message: 'x' }, key));
    world.time.now += 86_400_000;
    assert.notEqual((await accepted(await submit(api, { message: 'x' }, key))).taskId, first.taskId);
  });

  it('that is none is refused', async () => {
    await using api = await startApi(await createWorld());
    assert.equal((await submit(api, { message: 'x' }, { 'idempotency-key': 'a b' })).status, 422);
  });
});

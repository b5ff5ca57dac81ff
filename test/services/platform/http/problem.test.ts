import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Hono } from 'hono';
import { z } from 'zod';
import { methodsOf, naming, tellFault, tellNotFound, Unavailable } from '#platform/http/faults.ts';
import { fieldErrors, problem, problems } from '#platform/http/problem.ts';
import type { RequestEnv } from '#platform/http/request.ts';
import { silent } from '#platform/log.ts';
import { InvalidCursor } from '#platform/store.ts';

describe('a problem', () => {
  it('is told as RFC 9457 has it, with its status, its headers and its fields', async () => {
    const app = new Hono();
    app.get('/', (c) =>
      problem(c, 'overloaded', {
        detail: 'Later.',
        errors: [{ pointer: '/a', detail: 'is wrong' }],
        headers: { 'retry-after': '5' },
      }),
    );
    const answer = await app.request('/');
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    assert.equal(answer.headers.get('retry-after'), '5');
    assert.deepEqual(await answer.json(), {
      type: 'https://kiro-dispatch.dev/problems/overloaded',
      title: problems.overloaded.title,
      status: 503,
      detail: 'Later.',
      errors: [{ pointer: '/a', detail: 'is wrong' }],
    });
  });

  it('points at each field that a schema complains about, unknown ones too', () => {
    const schema = z.strictObject({ a: z.object({ 'b/~': z.array(z.number()) }) });
    const { error } = schema.safeParse({ a: { 'b/~': [1, 'two'] }, x: 1, y: 2 });
    assert.ok(error);
    const pointers = fieldErrors(error).map(({ pointer }) => pointer);
    assert.deepEqual(pointers, ['/a/b~1~0/1', '/x', '/y']);
  });
});

describe('a fault', () => {
  const app = new Hono<RequestEnv>();
  app.onError(tellFault(silent));
  app.notFound(tellNotFound(app));
  app.get('/broken', () => {
    throw new Error('the password is hunter2');
  });
  app.get(
    '/away',
    naming('store', () => Promise.reject(new Error('connect ECONNREFUSED 10.1.2.3'))),
  );
  app.get(
    '/cursor',
    naming('store', () => Promise.reject(new InvalidCursor('not ours'))),
  );
  app.post('/thing/:id', (c) => c.text('made'));
  app.get('/thing/:id', (c) => c.text('here'));

  it('of ours tells nothing about itself', async () => {
    const answer = await app.request('/broken');
    assert.equal(answer.status, 500);
    assert.doesNotMatch(await answer.text(), /hunter2|Error/);
  });

  it('of a dependency is 503 with its name and when to come back, and nothing of where it lives', async () => {
    const answer = await app.request('/away');
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '2');
    const text = await answer.text();
    assert.match(text, /store does not answer/);
    assert.doesNotMatch(text, /10\.1\.2\.3/);
  });

  it('of a dependency keeps its cause', async () => {
    const cause = new Error('away');
    await assert.rejects(naming('store', () => Promise.reject(cause))(), (fault) => {
      assert.ok(fault instanceof Unavailable);
      assert.deepEqual([fault.dependency, fault.cause], ['store', cause]);
      return true;
    });
  });

  it('in a cursor is the caller’s', async () => assert.equal((await app.request('/cursor')).status, 422));

  it('in the method is answered with the methods there are', async () => {
    const wrong = await app.request('/thing/1', { method: 'DELETE' });
    assert.equal(wrong.status, 405);
    assert.equal(wrong.headers.get('allow'), 'GET, HEAD, OPTIONS, POST');
    assert.deepEqual(methodsOf(app, '/thing/1/2'), []);
    assert.equal((await app.request('/thing/1/2', { method: 'DELETE' })).status, 404);
  });
});

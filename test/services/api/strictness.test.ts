import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { sessionId } from '#test/support/ids.ts';
import { accepted, submit } from './submit-support.ts';
import { createWorld, openSession, startApi } from './world.ts';
import type { TestApi } from './world.ts';

const Ticket = z.object({ ticket: z.string() });

const submitTask = async (api: TestApi) => (await accepted(await submit(api, { message: 'x' }))).taskId;

/** A body as bytes, with the type that is given or none. */
const sendBytes = (
  world: { readonly keyOf: (person: 'alice') => string },
  api: TestApi,
  path: string,
  body: Buffer,
  type?: string,
) =>
  api.app.request(
    path,
    {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.keyOf('alice')}`,
        ...(type === undefined ? {} : { 'content-type': type }),
      },
      body: Uint8Array.from(body),
    },
    {},
  );

describe('what the document allows is taken', () => {
  it('a number at its limit is', async () => {
    await using api = await startApi(await createWorld());
    const taskId = await submitTask(api);
    for (const [ask, status] of [
      ['events?after=1000000000000000', 200],
      ['events?after=1000000000000001', 422],
    ] as const) {
      assert.equal((await api.ask('GET', `/api/task/${taskId}/${ask}`, { as: 'alice' })).status, status);
    }
  });

  it('a text is as long as its characters are many', async () => {
    await using api = await startApi(await createWorld());
    const cancel = async (reason: string) =>
      (await api.ask('POST', `/api/task/${await submitTask(api)}/cancel`, { as: 'alice', body: { reason } })).status;
    assert.deepEqual([await cancel('😀'.repeat(1_000)), await cancel('😀'.repeat(1_001))], [202, 422]);
    const named = async (ref: string) => (await submit(api, { message: 'x', repository: 'o/r', ref })).status;
    assert.deepEqual([await named('😀'.repeat(250)), await named('😀'.repeat(251))], [202, 422]);
    const given = async (name: string) => (await submit(api, { message: 'x', metadata: { a: { [name]: 1 } } })).status;
    assert.deepEqual([await given('😀'.repeat(200)), await given('😀'.repeat(201))], [202, 422]);
  });
});

describe('what the document does not allow is refused', () => {
  it('a parameter that is not known is, on every route that wants a key', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    await openSession(world, sessionId(1), 'alice');
    const taskId = await submitTask(api);
    const routes = ['GET /api/tasks', `GET /api/task/${taskId}`, `GET /api/task/${taskId}/events`, 'POST /api/chat'];
    const more = ['GET /api/sessions', `GET /api/session/${sessionId(1)}`, 'POST /api/live/ticket', 'GET /api/live'];
    const acts = [`POST /api/task/${taskId}/cancel`, `POST /api/session/${sessionId(1)}/close`];
    for (const route of [...routes, ...more, ...acts, `GET /api/task/${taskId}/live`]) {
      const [method = '', path = ''] = route.split(' ');
      const body = path === '/api/chat' ? { body: { message: 'x' } } : {};
      for (const name of ['unknown', '__proto__', 'constructor']) {
        assert.equal(
          (await api.ask(method, `${path}?${name}=1`, { as: 'alice', ...body })).status,
          422,
          `${route} ${name}`,
        );
      }
    }
  });

  it('half of a surrogate pair is, in every text', async () => {
    await using api = await startApi(await createWorld());
    for (const field of ['message', 'ref', 'repository']) {
      const body = { message: 'x', repository: 'o/r', [field]: 'a\ud800' };
      assert.equal((await submit(api, body)).status, 422, field);
    }
  });

  it('an address is that is read in another way than it is written', async () => {
    await using api = await startApi(await createWorld());
    for (const repository of [
      ' https://a.b/c',
      'https://a.b/c\n',
      'ht\ntps://a.b/c',
      'https:/a.b/c',
      'https:\\\\a.b\\c',
    ]) {
      assert.equal((await submit(api, { message: 'x', repository })).status, 422, JSON.stringify(repository));
    }
  });

  it('a body is that is no UTF-8: nothing is put in the place of what cannot be read', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    const broken = Buffer.concat([Buffer.from('{"message":"a'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    const answer = await sendBytes(world, api, '/api/chat', broken, 'application/json');
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [400, 'application/problem+json']);
  });

  it('a body is that does not say what it is, also where none is needed', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    const path = `/api/task/${await submitTask(api)}/cancel`;
    assert.equal((await sendBytes(world, api, path, Buffer.from('{"unknown":1}'))).status, 415);
    assert.equal((await api.ask('POST', path, { as: 'alice' })).status, 202);
  });

  it('a ticket is that does not come alone, and it is not used up', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    const { ticket } = Ticket.parse(await (await api.ask('POST', '/api/live/ticket', { as: 'alice' })).json());
    for (const more of ['unknown=1', 'ticket=x', '__proto__=1']) {
      assert.equal((await api.ask('GET', `/api/live?ticket=${ticket}&${more}`)).status, 422, more);
    }
    const accepted: unknown[] = [];
    const accept = (onOpen: unknown) => void accepted.push(onOpen);
    await api.app.request(`/api/live?ticket=${ticket}`, {}, { accept });
    assert.equal(accepted.length, 1);
  });
});

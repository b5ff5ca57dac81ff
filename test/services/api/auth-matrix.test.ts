import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { makeKey } from '#platform/http/api-key.ts';
import { sessionId } from '#test/support/ids.ts';
import { accepted, submit } from './submit-support.ts';
import { createWorld, openSession, people, startApi } from './world.ts';

/** What each operation answers to whom; alice owns the task and the session that the paths name. */
type Row = { readonly owner: number; readonly other: number; readonly operator: number; readonly open?: true };

const matrix: Readonly<Record<string, Row>> = {
  'get /health': { owner: 200, other: 200, operator: 200, open: true },
  'get /ready': { owner: 200, other: 200, operator: 200, open: true },
  'post /api/chat': { owner: 202, other: 202, operator: 202 },
  'get /api/tasks': { owner: 200, other: 200, operator: 200 },
  'get /api/task/{taskId}': { owner: 200, other: 404, operator: 200 },
  'get /api/task/{taskId}/events': { owner: 200, other: 404, operator: 200 },
  'post /api/task/{taskId}/cancel': { owner: 202, other: 404, operator: 202 },
  'get /api/task/{taskId}/live': { owner: 200, other: 404, operator: 200 },
  'get /api/sessions': { owner: 200, other: 200, operator: 200 },
  'get /api/session/{id}': { owner: 200, other: 404, operator: 200 },
  'post /api/session/{id}/close': { owner: 202, other: 404, operator: 202 },
  'post /api/live/ticket': { owner: 200, other: 200, operator: 200 },
  'get /api/live': { owner: 426, other: 426, operator: 426 },
};

const Document = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** Every operation by every kind of caller, each on a task and a session of its own. */
const askAs = async (operation: string, as: string | undefined, headers: Record<string, string> = {}) => {
  const world = await createWorld();
  await using api = await startApi(world);
  const { taskId } = await accepted(await submit(api, { message: 'x' }));
  await openSession(world, sessionId(1), 'alice');
  await world.revoke('ada');
  const [method = '', path = ''] = operation.split(' ');
  const answer = await api.ask(method.toUpperCase(), path.replace('{taskId}', taskId).replace('{id}', sessionId(1)), {
    ...(as === undefined ? {} : { as }),
    headers,
    ...(operation === 'post /api/chat' ? { body: { message: 'x' } } : {}),
  });
  const challenge = answer.headers.get('www-authenticate');
  if (answer.body) await answer.body.cancel();
  return { status: answer.status, challenge };
};

describe('authorisation', () => {
  it('has a row for every operation of the document, and for nothing else', async () => {
    await using api = await startApi(await createWorld());
    const { paths } = Document.parse(await (await api.ask('GET', '/openapi.json')).json());
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    assert.deepEqual(operations.sort(), Object.keys(matrix).sort());
  });

  it('has no route beside the document but the pages that show it', async () => {
    await using api = await startApi(await createWorld());
    const routes = new Set(
      api.app.routes
        .filter(({ method }) => method !== 'ALL')
        .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`),
    );
    const pages = ['/openapi.json', '/docs', '/docs/start.js', '/docs/swagger-ui.css', '/docs/swagger-ui-bundle.js'];
    assert.deepEqual([...routes].sort(), [...Object.keys(matrix), ...pages.map((path) => `get ${path}`)].sort());
    for (const path of pages) assert.equal((await api.ask('GET', path)).status, 200, path);
  });

  for (const [operation, { owner, other, operator, open }] of Object.entries(matrix)) {
    it(`of ${operation}: owner ${owner}, other member ${other}, operator ${operator}`, async () => {
      assert.equal((await askAs(operation, 'alice')).status, owner);
      assert.equal((await askAs(operation, 'bob')).status, other);
      assert.equal((await askAs(operation, 'olga')).status, operator);
    });

    it(`of ${operation} is ${open ? 'open to everybody' : 'closed to whoever has no valid key'}`, async () => {
      const forged = makeKey(people.olga.accountId).key;
      for (const as of [undefined, 'garbage', 'ada', forged, 'kd_x_y_z']) {
        const { status, challenge } = await askAs(operation, as);
        assert.equal(status, open ? owner : 401, as);
        if (!open) assert.match(challenge ?? '', /^Bearer realm="kiro-dispatch"/);
      }
      const { status } = await askAs(operation, undefined, { authorization: 'Basic YTpi' });
      assert.equal(status, open ? owner : 401);
    });
  }

  it('is asked before anything else is told: unknown addresses and wrong methods too', async () => {
    await using api = await startApi(await createWorld());
    for (const [method, path] of [
      ['GET', '/nowhere'],
      ['DELETE', '/api/tasks'],
      ['POST', '/api/chat'],
      ['GET', '/docs/../main.ts'],
    ] as const) {
      assert.equal((await api.ask(method, path)).status, 401, path);
    }
  });
});

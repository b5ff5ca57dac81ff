import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createWorld, startApi } from './world.ts';

const anything = fc.anything({ withNullPrototype: true, maxDepth: 4 });
const fields = [
  'message',
  'priority',
  'sessionId',
  'repository',
  'ref',
  'timeoutMs',
  'limits',
  'metadata',
  '__proto__',
];
const body = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc.dictionary(fc.constantFrom(...fields), anything).map((value) => JSON.stringify(value)),
);
const parameter = fc.constantFrom('after', 'at', 'cursor', 'limit', 'status', 'ticket', 'version', 'x');
const value = fc.oneof(fc.string({ unit: 'binary' }), fc.integer().map(String), fc.double().map(String), fc.uuid());
const query = fc
  .array(fc.tuple(parameter, value), { maxLength: 3 })
  .map((pairs) => new URLSearchParams(pairs).toString());
const id = fc.oneof(
  fc.uuid({ version: 7 }),
  fc.string({ unit: 'binary' }).map((text) => encodeURIComponent(text.toWellFormed())),
);
const path = fc.oneof(
  fc.constantFrom('/api/chat', '/api/tasks', '/api/sessions', '/api/live', '/api/live/ticket', '/health', '/ready'),
  fc.tuple(fc.constantFrom('', '/events', '/cancel', '/live'), id).map(([end, which]) => `/api/task/${which}${end}`),
  fc.tuple(fc.constantFrom('', '/close'), id).map(([end, which]) => `/api/session/${which}${end}`),
);
const header = fc.constantFrom(
  'idempotency-key',
  'if-none-match',
  'last-event-id',
  'x-request-id',
  'traceparent',
  'accept',
  'origin',
);
const headers = fc.dictionary(header, fc.oneof(fc.string(), fc.integer().map(String)), { maxKeys: 3 });
const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH');

/** A header that no client could send is no question to us. */
const canSend = (told: Record<string, string>): boolean => {
  try {
    return new Headers(told) instanceof Headers;
  } catch {
    return false;
  }
};

describe('no request', () => {
  it('whatever is in it, makes the API fail, and every refusal is a problem', async () => {
    const world = await createWorld();
    await using api = await startApi(world, { env: { RATE_PER_SECOND: '1000000' } });
    await fc.assert(
      fc.asyncProperty(method, path, query, headers.filter(canSend), body, async (how, where, asked, told, text) => {
        const hasBody = how !== 'GET' && how !== 'HEAD';
        const answer = await api.ask(how, `${where}?${asked}`, {
          as: 'alice',
          headers: told,
          ...(hasBody ? { body: text } : {}),
        });
        const said = await answer.text();
        if (answer.status >= 400) {
          assert.ok(answer.status < 500, `${answer.status} ${said}`);
          if (how !== 'HEAD') assert.equal(answer.headers.get('content-type'), 'application/problem+json');
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

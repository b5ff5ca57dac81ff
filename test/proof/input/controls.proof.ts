/** What would be found, is: planted between the client and the API, each fault is caught by the check that is meant for it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { printCounts, seed } from '../effort.ts';
import { checks } from './checks.ts';
import type { Check } from './checks.ts';
import { readDocument } from './document.ts';
import type { Operation } from './document.ts';
import { cover, fuzz, newAccount } from './fuzz.ts';
import { asking, changing, isSubmission, rewritten, withBody, withHeaders } from './plant.ts';
import { openTarget } from './target.ts';
import type { Fetch } from './target.ts';
import { inWords } from './words.ts';

type Fault = {
  readonly what: string;
  readonly operation: string;
  readonly caughtBy: Check;
  /** The operation as the document would have it. */
  readonly documented?: (operation: Operation) => Operation;
  /** Answers in the place of the API, or passes on what it is given. */
  readonly plant: (fetch: Fetch) => Fetch;
};

const Fields = z.looseObject({});
const parsed = (text: string): Record<string, unknown> => {
  try {
    return Fields.safeParse(JSON.parse(text)).data ?? {};
  } catch {
    return {};
  }
};

const ofTask = ({ url }: Request): boolean => /^\/api\/task\/[^/]+$/.test(new URL(url).pathname);
const isAccepted = ({ status }: Response): boolean => status === 202;

const faults: readonly Fault[] = [
  {
    ...{ what: 'some input breaks it', operation: 'POST /api/chat', caughtBy: 'not_a_server_error' },
    plant: (fetch) => async (request, env) => {
      const isFatal = isSubmission(request) && (await request.clone().text()).includes('\\u0000');
      return isFatal ? new Response('null pointer', { status: 500 }) : fetch(request, env);
    },
  },
  {
    ...{ what: 'it answers with another status', operation: 'POST /api/chat', caughtBy: 'status_code_conformance' },
    plant: changing(isSubmission, async (answer) =>
      isAccepted(answer) ? withHeaders(answer, () => undefined, 201) : answer,
    ),
  },
  {
    ...{ what: 'it refuses in plain text', operation: 'GET /api/tasks', caughtBy: 'content_type_conformance' },
    plant: changing(
      () => true,
      async (answer) => withHeaders(answer, (headers) => answer.ok || headers.set('content-type', 'text/plain')),
    ),
  },
  {
    ...{
      what: 'a field has another type',
      operation: 'GET /api/task/{taskId}',
      caughtBy: 'response_schema_conformance',
    },
    plant: changing(ofTask, (answer) => withBody(answer, (body) => ({ ...body, version: '1' }))),
  },
  {
    ...{ what: 'a field is told that is not documented', operation: 'GET /api/session/{id}' },
    caughtBy: 'response_schema_conformance',
    plant: changing(
      ({ url }) => url.includes('/api/session/'),
      (answer) => withBody(answer, (body) => ({ ...body, token: 'x' })),
    ),
  },
  {
    ...{ what: 'what was made has no place', operation: 'POST /api/chat', caughtBy: 'response_headers_conformance' },
    plant: changing(isSubmission, async (answer) => withHeaders(answer, (headers) => headers.delete('location'))),
  },
  {
    ...{ what: 'what was made is not where it says', operation: 'POST /api/chat' },
    caughtBy: 'ensure_resource_availability',
    plant: changing(isSubmission, async (answer) =>
      isAccepted(answer) ? withHeaders(answer, (headers) => headers.set('location', '/api/task/gone')) : answer,
    ),
  },
  {
    ...{ what: 'an unknown field is dropped', operation: 'POST /api/chat', caughtBy: 'negative_data_rejection' },
    plant: asking(async (request) => {
      if (!isSubmission(request)) return request;
      return rewritten(request, (text) => {
        const { unknown: _, ...known } = parsed(text);
        return text.includes('"unknown"') ? JSON.stringify(known) : text;
      });
    }),
  },
  {
    ...{ what: 'a number past its limit is taken', operation: 'GET /api/tasks', caughtBy: 'negative_data_rejection' },
    plant: asking(async (request) => new Request(request.url.replace('limit=101', 'limit=100'), request)),
  },
  {
    ...{ what: 'a limit is one too low', operation: 'GET /api/tasks', caughtBy: 'positive_data_acceptance' },
    plant: asking(async (request) => new Request(request.url.replace('limit=100', 'limit=101'), request)),
  },
  {
    ...{ what: 'it asks nobody for a key', operation: 'GET /api/tasks', caughtBy: 'ignored_auth' },
    plant: (fetch) => async (request, env) => {
      const answer = await fetch(request, env);
      return answer.status === 401 ? Response.json({ tasks: [] }) : answer;
    },
  },
  {
    ...{ what: 'a key that is revoked still counts', operation: 'GET /api/sessions', caughtBy: 'ignored_auth' },
    plant: (fetch) => {
      let good: string | undefined;
      return async (request, env) => {
        const answer = await fetch(request, env);
        const asked = request.headers.get('authorization');
        if (answer.ok) good ??= asked ?? undefined;
        if (answer.status !== 401 || !asked?.startsWith('Bearer kd_') || good === undefined) return answer;
        const again = new Request(request);
        again.headers.set('authorization', good);
        return fetch(again, env);
      };
    },
  },
  {
    ...{ what: "another member's task is shown", operation: 'GET /api/task/{taskId}/events', caughtBy: 'ignored_auth' },
    plant: changing(
      ({ url }) => url.includes('/events'),
      async (answer) => (answer.status === 404 ? Response.json({ events: [] }) : answer),
    ),
  },
  {
    ...{ what: 'a wrong method is not found', operation: 'POST /api/chat', caughtBy: 'unsupported_method' },
    plant: changing(
      () => true,
      async (answer) => (answer.status === 405 ? withHeaders(answer, () => undefined, 404) : answer),
    ),
  },
  {
    ...{ what: 'the right methods are not named', operation: 'POST /api/chat', caughtBy: 'allow_header' },
    plant: changing(
      () => true,
      async (answer) => withHeaders(answer, (headers) => headers.delete('allow')),
    ),
  },
  {
    ...{ what: 'a ticket opens twice', operation: 'GET /api/live', caughtBy: 'use_after_free' },
    plant: (fetch) => async (request, env) => {
      const answer = await fetch(request, env);
      if (answer.status === 401 && request.url.includes('ticket=') && env && 'accept' in env)
        env.accept(() => undefined);
      return answer;
    },
  },
  {
    ...{ what: 'a header that must be sent is not asked for', operation: 'POST /api/chat' },
    caughtBy: 'missing_required_header',
    documented: ({ parameters, ...operation }) => ({
      ...operation,
      parameters: parameters.map((each) => ({ ...each, required: true })),
    }),
    plant: (fetch) => fetch,
  },
  {
    ...{ what: 'an answer takes too long', operation: 'GET /health', caughtBy: 'max_response_time' },
    plant: (fetch) => {
      let asked = 0;
      return async (request, env) => {
        if ((asked += 1) !== 20) return fetch(request, env);
        const { promise, resolve } = Promise.withResolvers<Response>();
        setTimeout(() => resolve(fetch(request, env)), 2_100);
        return promise;
      };
    },
  },
];

const document = await (async () => {
  await using target = await openTarget();
  return readDocument(JSON.parse((await target.ask('/openapi.json', {})).text));
})();

describe('a fault that is planted', () => {
  for (const { what, operation: id, caughtBy, documented = (operation: Operation) => operation, plant } of faults) {
    it(`so that ${what} is caught by ${caughtBy}`, async () => {
      const found = document.find((each) => each.id === id);
      assert.ok(found);
      const operation = documented(found);
      const account = newAccount();
      const open = () => openTarget(plant);
      const isCaught = () => account.violations.some(({ check }) => check === caughtBy);
      const given = { seed, inWords, isEnough: isCaught };
      await fuzz(operation, { ...given, runs: 200 }, open, account);
      await cover(operation, given, open, account);
      assert.ok(isCaught(), `caught by ${account.violations.map(({ check }) => check).join(', ') || 'nothing'}`);
    });
  }

  it('is there for every check', (t) => {
    const without = checks.filter((check) => !faults.some(({ caughtBy }) => caughtBy === check));
    assert.deepEqual(without, []);
    printCounts(t, { 'planted faults': faults.length, checks: checks.length });
  });
});

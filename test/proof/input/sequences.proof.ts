/** Requests in sequence: what one of them made true is what the next ones see. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { byEffort, printCounts, seed } from '../effort.ts';
import { asking, changing } from './plant.ts';
import { explore, newCounts } from './sequences.ts';
import type { Fetch } from './target.ts';

describe('requests in sequence', () => {
  it('are answered as the model says: own writes are read, lists are whole, repeats change nothing, what is over stays over', async (t) => {
    const counts = newCounts();
    const found = await explore({ numRuns: byEffort({ ci: 200, full: 20_000 }), seed }, counts);
    printCounts(t, counts);
    assert.ok(!found.failed, `${String(found.errorInstance)}\n${fc.defaultReportMessage(found) ?? ''}`);
  });
});

const pathOf = ({ url }: Request): string => new URL(url).pathname;
const without = (name: string) =>
  asking(async (request) => {
    const other = new Request(request);
    other.headers.delete(name);
    return other;
  });
const readsTask = (request: Request): boolean =>
  request.method === 'GET' && /^\/api\/task\/[^/]+$/.test(pathOf(request));

/** Puts another value in the place of a parameter. */
const asked = (name: string, change: (value: string) => string | undefined) =>
  asking(async (request) => {
    const url = new URL(request.url);
    const value = url.searchParams.get(name);
    if (value === null) return request;
    const other = change(value);
    if (other === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, other);
    return new Request(url, request);
  });

const faults: Readonly<Record<string, (fetch: Fetch) => Fetch>> = {
  'a task is read as it was at first': (fetch) => {
    const first = new Map<string, Response>();
    return async (request, env) => {
      if (!readsTask(request)) return fetch(request, env);
      const answer = first.get(request.url) ?? (await fetch(request, env));
      if (answer.ok) first.set(request.url, answer.clone());
      return answer;
    };
  },
  'the newest task is missing in the list': changing(
    (request) => pathOf(request) === '/api/tasks',
    async (answer) => {
      const { tasks, ...rest } = Page.parse(await answer.json());
      return Response.json({ ...rest, tasks: tasks.slice(1) }, { headers: answer.headers });
    },
  ),
  'a status is asked for and all are listed': asked('status', () => undefined),
  'a repeat makes another task': without('idempotency-key'),
  'a key is used for another payload': (fetch) => {
    const first = new Map<string, Response>();
    return async (request, env) => {
      const key = request.headers.get('idempotency-key') ?? '';
      const answer = await fetch(request, env);
      if (answer.status === 202 && key !== '') first.set(key, answer.clone());
      return answer.status === 422 ? (first.get(key)?.clone() ?? answer) : answer;
    };
  },
  'a task is shown as it is instead of as it was': asked('at', () => undefined),
  'a version that is known is sent again': without('if-none-match'),
  'an event is left out': asked('after', (after) => String(Number(after) + 1)),
  'a stream begins anew': without('last-event-id'),
  'a cancel is acknowledged and forgotten': (fetch) => async (request, env) => {
    if (!pathOf(request).endsWith('/cancel')) return fetch(request, env);
    const read = await fetch(new Request(request.url.replace('/cancel', ''), { headers: request.headers }), env);
    return read.ok ? new Response(read.body, { status: 202 }) : read;
  },
  'a ticket opens twice': (fetch) => async (request, env) => {
    const answer = await fetch(request, env);
    if (answer.status === 401 && request.url.includes('ticket=') && env && 'accept' in env) env.accept(() => undefined);
    return answer;
  },
};

const Page = z.looseObject({ tasks: z.array(z.unknown()) });

describe('a fault that is planted between client and API', () => {
  for (const [what, plant] of Object.entries(faults)) {
    it(`so that ${what} is found by some sequence`, async (t) => {
      const counts = newCounts();
      const found = await explore({ numRuns: 200, seed, endOnFailure: true }, counts, plant);
      printCounts(t, counts);
      assert.ok(found.failed);
    });
  }
});

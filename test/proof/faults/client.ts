/** One client of one cell: asks, and believes an answer only where it is one that the interface promises. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Recorder } from '#test/support/history.ts';
import type { Cell, Cells } from './cells.ts';
import type { Api, World } from './world.ts';

export type Stage = {
  readonly world: World;
  readonly api: Api;
  readonly cells: Cells;
  readonly recorder: Recorder;
};

export type Answer = { readonly status: number; readonly body: unknown; readonly headers: Headers };
export type Question = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
};

/** What may be said instead of the answer: not now, in the form of a problem, and when to come back. */
const assertNotNow = (response: Response, asked: Question): void => {
  const said = `${asked.method} ${asked.path} was answered ${response.status}`;
  assert.ok(response.status === 503 || response.status === 429, said);
  assert.match(response.headers.get('retry-after') ?? '', /^\d+$/, `${said} without Retry-After`);
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/, said);
};

/** Longer than this nobody waits for an answer, faults or not: the SDK's tries and the store's own are over by then. */
export const patienceMs = 20_000;

export const clientOf = ({ api, cells }: Stage, cell: Cell, key: string) => {
  const ask = async (asked: Question, ...wanted: readonly number[]): Promise<Answer | undefined> => {
    const headers = asked.idempotencyKey === undefined ? {} : { 'idempotency-key': asked.idempotencyKey };
    const { method, path, body } = asked;
    const patience = new AbortController();
    const asking = cells.within(cell, () => api.ask(method, path, { key, headers, body }));
    const tooLong = delay(patienceMs, undefined, patience).then(() => assert.fail(`${path} was not answered`));
    const response = await Promise.race([asking, tooLong]);
    patience.abort();
    tooLong.catch(() => undefined);
    if (!wanted.includes(response.status)) {
      assertNotNow(response, asked);
      return undefined;
    }
    return { status: response.status, body: await response.json(), headers: response.headers };
  };
  return {
    ask,
    /** Asks again, once everything works, where the first answer was none. */
    settle: async (asked: Question, ...wanted: readonly number[]): Promise<Answer> => {
      const answer = await ask(asked, ...wanted);
      if (answer) return answer;
      cell.disarm();
      const settled = await ask(asked, ...wanted);
      assert.ok(settled, `${asked.path} is not answered although everything works`);
      return settled;
    },
  };
};

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { taskId, workerId, sessionId } from '#test/support/ids.ts';
import { silent } from '#platform/log.ts';
import type { Commit, ListRows } from '#platform/store.ts';
import { createCensus } from '../../../services/api/census.ts';
import { accepted, submit } from './submit-support.ts';
import { createWorld, startApi } from './world.ts';

const Said = z.object({ queue: z.unknown() });

const commitOf = (n: number, type: string): Commit => ({
  ...{ shard: 0, position: 1, stream: `task/${taskId(n)}` },
  facts: [
    { ...{ id: '', stream: `task/${taskId(n)}`, version: 1, at: '', type, v: 1 }, actor: 'api:x', correlationId: 'x' },
  ],
});
const row = (n: number, status: string) => ({ version: 1, row: { taskId: taskId(n), status }, marks: {} });

describe('the census', () => {
  it('knows nothing until it has counted, and says so', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const listRows: ListRows = async () => {
      await promise;
      return { rows: [] };
    };
    const census = createCensus(listRows, silent);
    const stop = new AbortController();
    const running = census.run(stop.signal);
    assert.equal(census.counts(), undefined);
    resolve(undefined);
    stop.abort();
    await running;
    assert.deepEqual(census.counts(), {
      sessions: { created: 0, active: 0, idle: 0 },
      queue: { pending: 0, processing: 0 },
    });
  });

  it('believes the log where a list is behind it', async () => {
    const stop = new AbortController();
    const listRows: ListRows = async (kind, query) => {
      if (kind !== 'task' || query.by?.equals !== 'pending') return { rows: [] };
      // While the list is read, task 1 ends, task 2 starts and task 3 comes; the list knows nothing of it.
      census.apply(commitOf(1, 'TaskCancelled'));
      census.apply(commitOf(2, 'TaskStarted'));
      census.apply(commitOf(3, 'TaskSubmitted'));
      stop.abort();
      return { rows: [row(1, 'pending'), row(2, 'pending'), row(4, 'pending')] };
    };
    const census = createCensus(listRows, silent);
    await census.run(stop.signal);
    assert.deepEqual(census.counts()?.queue, { pending: 2, processing: 1 });
  });

  it('counts what this instance stored before the log tells of it, and goes back for nothing that the log told already', async () => {
    const stop = new AbortController();
    const nothing: ListRows = async () => {
      stop.abort();
      return { rows: [] };
    };
    const census = createCensus(nothing, silent);
    await census.run(stop.signal);
    census.foretell(commitOf(1, 'TaskSubmitted'));
    census.apply(commitOf(1, 'TaskSubmitted'));
    census.apply(commitOf(2, 'TaskStarted'));
    census.foretell(commitOf(2, 'TaskSubmitted'));
    census.apply(commitOf(3, 'TaskCompleted'));
    census.foretell(commitOf(3, 'TaskSubmitted'));
    assert.deepEqual(census.counts()?.queue, { pending: 1, processing: 1 });
  });

  it('counts again after a list that failed', async () => {
    const stop = new AbortController();
    let tries = 0;
    const listRows: ListRows = async () => {
      tries += 1;
      if (tries === 1) throw new Error('away');
      if (tries === 6) stop.abort();
      return { rows: tries === 2 ? [row(1, 'pending')] : [] };
    };
    const census = createCensus(listRows, silent);
    await census.run(stop.signal);
    assert.deepEqual(census.counts()?.queue, { pending: 1, processing: 0 });
  });

  it('always equals the number of rows in each state, whatever happens to the tasks', async () => {
    const step = fc.record({ on: fc.nat(4), what: fc.constantFrom('start', 'cancel', 'interrupt', 'complete') });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const world = await createWorld();
        await using api = await startApi(world);
        const ids = [];
        for (let n = 0; n < 5; n += 1) ids.push((await accepted(await submit(api, { message: 'x' }))).taskId);
        for (const { on, what } of steps) {
          const id = ids[on] ?? taskId(1);
          const attempt = Number((await world.store.readRow(`task/${id}`))?.row['attempt']);
          const error = { class: 'internal', message: '', remedy: '', retryable: true } as const;
          if (what === 'start')
            await world.moveTask(id, { type: 'start', workerId: workerId(1), sessionId: sessionId(1) });
          if (what === 'cancel') await world.moveTask(id, { type: 'request-cancel' });
          if (what === 'interrupt')
            await world.moveTask(id, { type: 'interrupt', attempt, cause: 'worker-lost', error });
          if (what === 'complete') {
            const result = { kind: 'inline', text: '' } as const;
            await world.moveTask(id, { type: 'complete', attempt, result, stopReason: 'end_turn' });
          }
        }
        await api.settled();
        const { queue } = Said.parse(await (await api.ask('GET', '/health')).json());
        const countOf = async (equals: string) => {
          const by = { field: 'status', equals } as const;
          return (await world.store.listRows('task', { by, order: 'newest-first', limit: 100 })).rows.length;
        };
        assert.deepEqual(queue, { pending: await countOf('pending'), processing: await countOf('processing') });
      }),
      { numRuns: 30 },
    );
  });
});

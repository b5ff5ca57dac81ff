/** What AWS does on bad days, to every request of every use case in turn: answers stay right, nothing stored breaks, and retries end. */
import './short-times.ts';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { silent } from '#platform/log.ts';
import { breachesOf, recorder, tell } from '#test/support/history.ts';
import type { FactName } from '#test/support/history.ts';
import { byEffort, printCounts } from '../effort.ts';
import type { Struck } from './matrix.ts';
import type { World } from './world.ts';

const { openWorld, clientsFor, startApi, startRelay, startWorker } = await import('./world.ts');
const { createCells } = await import('./cells.ts');
const { countAttempts, watching } = await import('./watch.ts');
const { runMatrix } = await import('./matrix.ts');
const { apiRows } = await import('./api-rows.ts');
const { scriptedByPrompt, workerRows } = await import('./worker-rows.ts');
const { partRows } = await import('./part-rows.ts');
const { columns } = await import('./columns.ts');
const { answerColumns } = await import('./answers.ts');
const { allAnnounced, allOver, readStored } = await import('./stored.ts');

const deliveries = ['twice', 'late', 'never'] as const;
const most = byEffort({ ci: { api: 2, worker: 1, parts: 1 }, full: { api: 1_000, worker: 1_000, parts: 1_000 } });

/** What was wrong, a line for each cell. */
const wrong = (cells: readonly Struck[]): string =>
  cells
    .filter(({ fault }) => fault !== undefined)
    .map(({ cell, fault }) => `${cell.name}: ${fault instanceof Error ? fault.message : String(fault)}`)
    .join('\n');

describe('faults', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world[Symbol.asyncDispose]());
  const record = recorder();
  const cells = createCells();
  const attempts = countAttempts();
  const announced: FactName[] = [];

  const met = new Map<string, number>();
  const count = (test: TestContext, struck: readonly Struck[]): void => {
    for (const { column, cell } of struck) met.set(column, (met.get(column) ?? 0) + cell.struck);
    const times = struck.reduce((sum, { cell }) => sum + cell.struck, 0);
    const missed = struck.filter(({ cell }) => cell.struck === 0).length;
    const max = Math.max(...attempts.most().values());
    printCounts(test, { cells: struck.length, 'faults injected': times, 'not met': missed, 'most attempts': max });
  };

  it('answers every question of the API rightly or with 503, whatever meets one of its requests', async (test) => {
    using clients = clientsFor(world.aws, watching({ cells, attempts, announced }, world.aws.clients.sqs));
    await using api = await startApi({ aws: world.aws, clients, log: silent });
    const stage = { world, api, cells, recorder: record };
    const struck = await runMatrix(stage, {
      rows: apiRows,
      columns: [...columns, ...answerColumns],
      width: 16,
      most: most.api,
    });
    count(test, struck);
    assert.equal(wrong(struck), '');
  });

  it('ends every task that was taken on, and every task that its services are struck at', async (test) => {
    const { sqs } = world.aws.clients;
    using clients = clientsFor(world.aws, watching({ cells, attempts, announced }, sqs));
    const given = { aws: world.aws, clients, log: silent };
    await using api = await startApi(given);
    await using _relay = await startRelay(given);
    const script = scriptedByPrompt();
    await using one = await startWorker(given, script);
    await using other = await startWorker(given, script);
    const stage = { world, api, cells, recorder: record };
    const struck = await runMatrix(stage, {
      ...{ rows: workerRows, columns: [...columns, ...answerColumns], width: 16, most: most.worker },
      deliveries,
    });
    count(test, struck);
    assert.equal(wrong(struck), '');
    await allOver(world.store, 60_000);
    await Promise.all([one[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
    await allAnnounced(world.store, announced);
  });

  it('leaves nothing stored that breaks a promise, and nothing unannounced', async (test) => {
    const stored = await readStored(world.store);
    const breaches = breachesOf({ operations: record.operations(), stored, announced });
    printCounts(test, { streams: stored.streams.size, announcements: announced.length });
    assert.equal(tell(breaches), '');
  });

  it('starts, wakes, takes work and announces, whatever meets any request of theirs', async (test) => {
    await using small = await openWorld();
    using clients = clientsFor(small.aws, () => undefined);
    await using api = await startApi({ aws: small.aws, clients, log: silent });
    const stage = { world: small, api, cells: createCells(), recorder: record };
    const rows = partRows(attempts);
    const struck = await runMatrix(stage, {
      rows,
      columns: [...columns, ...answerColumns],
      width: 16,
      most: most.parts,
    });
    count(test, struck);
    assert.equal(wrong(struck), '');
  });

  it('has met every fault there is', (test) => {
    printCounts(test, Object.fromEntries(met));
    assert.deepEqual(
      [...met].filter(([, times]) => times === 0),
      [],
    );
    assert.equal(met.size, columns.length + answerColumns.length + deliveries.length);
  });

  it('repeats no request more than three times', () => {
    const tooMany = [...attempts.most()].filter(([, most]) => most > 4);
    assert.deepEqual(tooMany, []);
  });
});

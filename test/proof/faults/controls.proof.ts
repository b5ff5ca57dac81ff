/** What this programme must catch: each of these is planted, and found. */
import './short-times.ts';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { silent } from '#platform/log.ts';
import { eventually } from '#test/support/eventually.ts';
import type { Call, Intercept } from '#test/support/faulty-aws.ts';
import { breachesOf, recorder } from '#test/support/history.ts';
import type { FactName } from '#test/support/history.ts';
import type { Store } from '#platform/store.ts';
import type { FaultyClients, World } from './world.ts';

const { clientsFor, openWorld, startApi, startRelay } = await import('./world.ts');
const { createCells } = await import('./cells.ts');
const { countAttempts, watching } = await import('./watch.ts');
const { runMatrix } = await import('./matrix.ts');
const { apiRows, seedTask } = await import('./api-rows.ts');
const { columns } = await import('./columns.ts');
const { putInPart } = await import('./answers.ts');
const { allAnnounced, readStored } = await import('./stored.ts');
const { acknowledgesFirst, believesTheBus, doesNotReadBack } = await import('./planted.ts');

type Planted = (clients: FaultyClients) => (store: Store) => Store;

describe('the matrix of faults catches', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  /** One row and one column, with something planted into the API. */
  const strike = async (row: string, column: string, planted: Planted, dynamoAttempts?: number) => {
    const [cells, attempts, record] = [createCells(), countAttempts(), recorder()];
    const { sqs } = world.aws.clients;
    using clients = clientsFor(world.aws, watching({ cells, attempts, announced: [] }, sqs), dynamoAttempts);
    await using api = await startApi({ aws: world.aws, clients, log: silent, planted: planted(clients) });
    const struck = await runMatrix(
      { world, api, cells, recorder: record },
      {
        ...{ rows: apiRows.filter(({ name }) => name === row), width: 4, most: 10 },
        columns: columns.filter(({ name }) => name === column),
      },
    );
    const breaches = breachesOf({ operations: record.operations(), stored: await readStored(world.store) });
    const told = struck.flatMap(({ fault }) => (fault instanceof Error ? [fault.message] : []));
    return { told, rules: new Set(breaches.map(({ rule }) => rule)), most: Math.max(...attempts.most().values()) };
  };
  const nothing: Planted = () => (store) => store;

  it('a store that repeats what was not answered without reading back', async () => {
    const planted: Planted = ({ dynamodb }) => doesNotReadBack(dynamodb, world.aws.names);
    const { told } = await strike('submit', 'response lost, for good', planted);
    assert.match(told.join(), /POST \/api\/chat was answered 500/);
    assert.deepEqual((await strike('submit', 'response lost, for good', nothing)).told, []);
  });

  it('a store that acknowledges before it has written', async () => {
    const acknowledging: Planted = () => acknowledgesFirst;
    const { rules } = await strike('submit', 'timed out before commit, for good', acknowledging);
    assert.ok(rules.has('lost'));
    assert.ok(!(await strike('submit', 'timed out before commit, for good', nothing)).rules.has('lost'));
  });

  it('a client that does not stop repeating', async () => {
    assert.ok((await strike('read', 'connection reset, for good', nothing, 7)).most > 4);
    assert.ok((await strike('read', 'connection reset, for good', nothing)).most <= 4);
  });

  it('a publisher that does not look at which entries the bus refused', async () => {
    const missing = async (isPlanted: boolean): Promise<boolean> => {
      const announced: FactName[] = [];
      let puts = 0;
      const inPart: Intercept = (call: Call) =>
        call.command === 'PutEventsCommand' && (puts += 1) <= 3 ? putInPart(call) : undefined;
      const seen = { cells: createCells(), attempts: countAttempts(), announced };
      using clients = clientsFor(world.aws, watching(seen, world.aws.clients.sqs, inPart));
      const bus = believesTheBus(clients.eventBridge, world.aws.names.bus);
      const given = { aws: world.aws, clients, log: silent };
      const publishWith = isPlanted ? () => bus : undefined;
      const subscription = String(isPlanted);
      await using _relay = await startRelay(given, { subscription, ...(publishWith && { publishWith }) });
      const { accountId } = await world.newKey();
      await seedTask(world, accountId);
      await eventually(() => puts > 3 || undefined, 'nothing was announced');
      if (!isPlanted) await allAnnounced(world.store, announced);
      const breaches = breachesOf({ operations: [], stored: await readStored(world.store), announced });
      return breaches.some(({ rule, what }) => rule === 'announced' && what.endsWith('was not announced'));
    };
    assert.ok(!(await missing(false)));
    assert.ok(await missing(true));
  });
});

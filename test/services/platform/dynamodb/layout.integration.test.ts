/** What is in the tables, for whoever reads them without us, and how the store reads what it did not expect. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { DeleteItemCommand, GetItemCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { itemOf } from '#platform/dynamodb/item.ts';
import type { Fields } from '#platform/dynamodb/item.ts';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { append, commitOf, newTask } from '#test/conformance/fixtures.ts';
import { startTestDynamoDb } from '#test/support/dynamodb.ts';
import { injectFaults } from '#test/support/faulty-aws.ts';

const db = await startTestDynamoDb();
after(() => db[Symbol.asyncDispose]());

const open = async () => {
  const { tables } = await db.freshTables();
  const client = db.connect();
  const store = dynamoStore({ client, names: { tables }, shards: 1, clock: () => 1_000 });
  const get = async (TableName: string, key: Fields) =>
    (await client.send(new GetItemCommand({ TableName, Key: itemOf(key) }))).Item;
  return { store, client, tables, get };
};

test('a commit is one item of the log, one of its stream, one row, and one for its idempotency key', async () => {
  const { store, client, tables, get } = await open();
  const stream = newTask(1_700_000_000_000);
  const dedupe = { key: 'key', requestHash: 'hash', result: 'result', expiresAt: 1_700_000_000_001 };
  const { facts } = commitOf(await append(store, stream, 0, { dedupe, fields: { result: { text: 'x' } } }));
  const [fact] = facts;
  const text = JSON.stringify(fact);
  const taskId = stream.slice('task/'.length);
  assert.deepEqual(await get(tables.events, { pk: 'L#0', sk: 1 }), {
    ...itemOf({ pk: 'L#0', sk: 1, stream, version: 1, facts: `[${text}]` }),
  });
  assert.deepEqual(await get(tables.events, { pk: `S#${stream}`, sk: 1 }), {
    ...itemOf({ pk: `S#${stream}`, sk: 1, id: fact?.id, type: fact?.type, at: fact?.at, position: 1, fact: text }),
  });
  // DynamoDB wants the time to live in seconds.
  assert.deepEqual(await get(tables.events, { pk: 'C#key', sk: 0 }), {
    ...itemOf({ pk: 'C#key', sk: 0, requestHash: 'hash', result: 'result', until: 1_700_000_000_001 }),
    expiresAt: { N: '1700000001' },
  });
  assert.deepEqual(await get(tables.task, { taskId, createdAt: 1_700_000_000_000 }), {
    taskId: { S: taskId },
    createdAt: { N: '1700000000000' },
    version: { N: '1' },
    status: { S: 'pending' },
    owner: { S: 'aaaaaaaaaaaa' },
    result: { M: { json: { S: '{"text":"x"}' } } },
  });
  assert.equal((await client.send(new ScanCommand({ TableName: tables.events }))).Count, 3);
});

test('the log ends before a hole', async () => {
  const { store, client, tables } = await open();
  for (let count = 0; count < 4; count += 1) await append(store, newTask(), 0);
  await client.send(new DeleteItemCommand({ TableName: tables.events, Key: itemOf({ pk: 'L#0', sk: 3 }) }));
  // A store remembers what it wrote itself.
  const reader = dynamoStore({ client, names: { tables }, shards: 1, clock: Date.now });
  const positions = async (from: number) => (await reader.readLog(0, from)).map(({ position }) => position);
  assert.deepEqual(await positions(0), [1, 2]);
  assert.deepEqual(await positions(2), []);
  assert.deepEqual(await positions(3), [4]);
});

test('a process does not collide with itself', async () => {
  const { tables } = await db.freshTables();
  let transactions = 0;
  const client = injectFaults(db.connect(), {
    TransactWriteItemsCommand: (nth) => {
      transactions = nth;
      return undefined;
    },
  });
  const store = dynamoStore({ client, names: { tables }, shards: 1, clock: Date.now });
  await Promise.all(Array.from({ length: 20 }, () => append(store, newTask(), 0)));
  assert.equal(transactions, 20);
});

test('a stored item that is not what was written is a fault, not a wrong answer', async () => {
  const { store, client, tables } = await open();
  const stream = newTask();
  await append(store, stream, 0);
  const broken = { pk: `S#${stream}`, sk: 2, id: 'x', type: 'x', at: 'x', position: 2, fact: '{"version":2}' };
  await client.send(new PutItemCommand({ TableName: tables.events, Item: itemOf(broken) }));
  await assert.rejects(store.readStream(stream, 0), { name: 'ZodError' });
  const foreign = { ...itemOf({ sessionId: 'a', version: 1 }), tags: { SS: ['b'] } };
  await client.send(new PutItemCommand({ TableName: tables.session, Item: foreign }));
  await assert.rejects(store.readRow('session/a'), /the attribute tags was not written by this store/);
});

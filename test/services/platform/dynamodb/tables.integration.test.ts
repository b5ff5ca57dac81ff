import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { DescribeTableCommand, DescribeTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { createTables, tableShapes } from '#platform/dynamodb/tables.ts';
import { startTestDynamoDb } from '#test/support/dynamodb.ts';

const db = await startTestDynamoDb();
after(() => db[Symbol.asyncDispose]());

test('making the tables again, even at the same moment, changes nothing', async () => {
  const names = await db.freshTables();
  await Promise.all([createTables(db.connect(), names), createTables(db.connect(), names)]);
  const { Table } = await db.connect().send(new DescribeTableCommand({ TableName: names.tables.task }));
  assert.equal(Table?.TableStatus, 'ACTIVE');
  assert.deepEqual(
    Table.KeySchema?.map(({ AttributeName }) => AttributeName),
    Object.keys(tableShapes.task.key),
  );
  assert.deepEqual(Table.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).sort(), [
    'owner-createdAt-index',
    'status-createdAt-index',
  ]);
});

test('facts and rows never expire: only the tables of dedupe items and of the runtime have a time to live', async () => {
  const { tables } = await db.freshTables();
  const client = db.connect();
  const expiries: Record<string, string | undefined> = {};
  for (const [key, TableName] of Object.entries(tables)) {
    const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
    if (TimeToLiveDescription?.TimeToLiveStatus === 'ENABLED') expiries[key] = TimeToLiveDescription.AttributeName;
  }
  assert.deepEqual(expiries, { events: 'expiresAt', runtime: 'expiresAt' });
});

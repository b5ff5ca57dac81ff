import { after } from 'node:test';
import { dynamoRuntime } from '#platform/dynamodb/runtime.ts';
import { runtimeConformance } from '#test/conformance/runtime.ts';
import { startTestDynamoDb } from '#test/support/dynamodb.ts';

const db = await startTestDynamoDb();
after(() => db[Symbol.asyncDispose]());

runtimeConformance('embedded engine', async (clock) => {
  const names = await db.freshTables();
  return () => dynamoRuntime({ client: db.connect(), names, clock });
});

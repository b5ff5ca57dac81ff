/** A DynamoDB for a test file: the embedded engine in memory, or any endpoint, and fresh tables as often as wanted. */
import { randomBytes } from 'node:crypto';
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { dynamoClient } from '#platform/dynamodb/client.ts';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { createTables } from '#platform/dynamodb/tables.ts';
import { namesOf } from '#platform/names.ts';
import type { Names } from '#platform/names.ts';
import { startDynamoDb } from '../../services/local/dynamodb.ts';
import type { OpenStore } from '../conformance/fixtures.ts';
import type { OpenFaulty } from '../conformance/store-faults.ts';

export type TestDynamoDb = AsyncDisposable & {
  readonly endpoint: string;
  /** A client of its own with each call, so that a fault injected into one of them reaches no other. */
  readonly connect: (overrides?: DynamoDBClientConfig) => DynamoDBClient;
  /** Tables that nobody has written to. */
  readonly freshTables: () => Promise<Names>;
};

/** Real AWS is asked with the credentials and the region of the environment. */
const settingsFor = (endpoint: string): DynamoDBClientConfig =>
  endpoint.includes('amazonaws.com')
    ? { endpoint }
    : { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };

export const dynamoDbAt = (endpoint: string): TestDynamoDb => {
  const clients: DynamoDBClient[] = [];
  const connect = (overrides: DynamoDBClientConfig = {}): DynamoDBClient => {
    const client = dynamoClient({ ...settingsFor(endpoint), ...overrides });
    clients.push(client);
    return client;
  };
  return {
    endpoint,
    connect,
    freshTables: async () => {
      const names = namesOf(`test-${randomBytes(6).toString('hex')}`);
      await createTables(connect(), names);
      return names;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.destroy();
    },
  };
};

export const startTestDynamoDb = async (): Promise<TestDynamoDb> => {
  const engine = await startDynamoDb();
  const db = dynamoDbAt(engine.endpoint);
  const stop = async (): Promise<void> => {
    await db[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  };
  return { ...db, [Symbol.asyncDispose]: stop };
};

/** Stores over fresh tables of `db`, for the store suites. */
export const openStoreIn =
  (db: TestDynamoDb): OpenStore =>
  async ({ shards = 16, clock = Date.now, onCommit } = {}) => {
    const names = await db.freshTables();
    const another = () => dynamoStore({ client: db.connect(), names, shards, clock, ...(onCommit && { onCommit }) });
    return { store: another(), another };
  };

export const openFaultyIn =
  (db: TestDynamoDb): OpenFaulty =>
  async () => {
    const names = await db.freshTables();
    return (prepare = (client) => client, maxAttempts = 1) =>
      dynamoStore({ client: prepare(db.connect({ maxAttempts })), names, shards: 1, clock: Date.now });
  };

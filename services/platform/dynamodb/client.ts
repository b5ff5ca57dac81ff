/** The DynamoDB client every service uses; endpoint, region and credentials come from the environment through the SDK. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

export const dynamoClient = (overrides: DynamoDBClientConfig = {}): DynamoDBClient => {
  const client = new DynamoDBClient({
    // The one layer that repeats a request for throttling and broken connections: twice, with full jitter. The store
    // repeats only what is beyond a single request: contention, and an append whose fate the last attempt left open.
    maxAttempts: 3,
    requestHandler: {
      // The SDK waits for ever by default. A transaction takes milliseconds; one that takes five seconds is settled
      // sooner by asking again. Connections are kept alive by default, at most 50 of them, which carry thousands a second.
      connectionTimeout: 2_000,
      requestTimeout: 5_000,
      throwOnRequestTimeout: true,
    },
    ...overrides,
  });
  // It would copy every request and every answer, item by item, for a log that is not kept.
  client.middlewareStack.remove('loggerMiddleware');
  return client;
};

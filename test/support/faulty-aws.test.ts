/** Faults meet every attempt of every client, and the SDK takes them for real ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { connectionReset, interceptCalls, throttledBy, timedOutBeforeCommit, unavailable } from './faulty-aws.ts';
import type { Call, Fault } from './faulty-aws.ts';

const config = {
  ...{ region: 'us-east-1', endpoint: 'http://127.0.0.1:9', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } },
  maxAttempts: 2,
};

/** Asks one thing of each service, through clients that meet `fault` at every attempt. */
const askAll = async (fault: (call: Call) => Fault): Promise<Call[]> => {
  const calls: Call[] = [];
  const faulty = <Client>(client: Client): Client =>
    interceptCalls(client, (call) => {
      calls.push(call);
      return fault(call);
    });
  const Key = { pk: { S: 'a' } };
  await Promise.allSettled([
    faulty(new DynamoDBClient(config)).send(new GetItemCommand({ TableName: 'table', Key })),
    faulty(new EventBridgeClient(config)).send(new PutEventsCommand({ Entries: [{ Source: 'a' }] })),
    faulty(new S3Client(config)).send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' })),
    faulty(new SNSClient(config)).send(new PublishCommand({ TopicArn: 'arn', Message: 'a' })),
    faulty(new SQSClient(config)).send(new ReceiveMessageCommand({ QueueUrl: 'http://127.0.0.1:9/1/queue' })),
  ]);
  return calls;
};

for (const [name, fault] of Object.entries({
  throttled: ({ service }: Call) => throttledBy(service),
  unavailable: ({ service }: Call) => unavailable(service),
  reset: () => connectionReset,
  'timed out': () => timedOutBeforeCommit,
}))
  test(`every client repeats a request that is ${name}, and the attempts are told apart`, async () => {
    const calls = await askAll(fault);
    const attempts = Map.groupBy(calls, ({ request }) => request);
    assert.deepEqual(
      [...attempts.values()].map((each) => each.map(({ attempt }) => attempt)),
      Array(5).fill([1, 2]),
    );
    assert.deepEqual([...attempts.values()].map(([first]) => first?.service).sort(), [
      'DynamoDB',
      'EventBridge',
      'S3',
      'SNS',
      'SQS',
    ]);
  });

test('what is no SDK client, or one whose faults nobody knows, is refused', () => {
  assert.throws(() => interceptCalls({}, () => undefined), { message: 'this is no SDK client' });
});

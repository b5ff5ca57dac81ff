/** What every service that appends facts and follows the log stands on, made from its configuration and the SDK's own environment. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { z } from 'zod';
import type { Artifacts } from './artifacts.ts';
import { BadConfiguration } from './config.ts';
import type { storeConfig } from './config.ts';
import { dynamoClient } from './dynamodb/client.ts';
import { dynamoRuntime } from './dynamodb/runtime.ts';
import { dynamoStore } from './dynamodb/store.ts';
import type { Log } from './log.ts';
import { namesOf } from './names.ts';
import type { Names } from './names.ts';
import type { Runtime } from './runtime.ts';
import { s3Artifacts } from './s3/artifacts.ts';
import { s3Client } from './s3/client.ts';
import { snsClient } from './sns/client.ts';
import { wakePublisher, wakeTopicArn } from './sns/wake-publisher.ts';
import { sqsClient } from './sqs/client.ts';
import { openWakeQueue } from './sqs/wake-queue.ts';
import type { OnCommit, Store } from './store.ts';
import type { OnWake } from './subscribe.ts';

export type Connected = AsyncDisposable & {
  readonly names: Names;
  /** Its commits wake every instance. */
  readonly store: Store;
  readonly runtime: Runtime;
  readonly artifacts: Artifacts;
  readonly onWake: OnWake;
  readonly sqs: SQSClient;
};

export type Instance = { readonly service: string; readonly instanceId: string };

/** Wakes that follow one another this closely become one message. */
const coalesceMs = 20;

/** A reader looks by itself this often, so that a lost wake costs no more. */
export const pollMs = 2_000;

/** Another number would split the order of every stream, and leave whole shards unread. */
const checkShards = async ({ fixShards }: Pick<Runtime, 'fixShards'>, wanted: number): Promise<void> => {
  const fixed = await fixShards(wanted);
  if (fixed === wanted) return;
  throw new BadConfiguration([`LOG_SHARDS: this installation has ${fixed} log shards for ever, not ${wanted}`]);
};

export type StoreClients = {
  readonly dynamodb: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly sns: SNSClient;
  readonly s3: S3Client;
};

/** Makes one thing of clients that stay the caller's. */
export const connectWith = async (
  { dynamodb: client, sqs, sns, s3 }: StoreClients,
  { service, instanceId }: Instance,
  config: z.infer<typeof storeConfig>,
  log: Log,
  clock: () => number = Date.now,
): Promise<Connected> => {
  await using opened = new AsyncDisposableStack();
  const names = namesOf(config.RESOURCE_PREFIX);
  const topicArn = await wakeTopicArn(sns, names.wakeTopic);
  const wakes = opened.use(await openWakeQueue({ sqs, sns, names, instanceId, service, log }));
  const runtime = dynamoRuntime({ client, names, clock });
  await checkShards(runtime, config.LOG_SHARDS);
  const publisher = opened.use(wakePublisher({ client: sns, topicArn, instanceId, coalesceMs, log }));
  const onCommit: OnCommit = (commit) => {
    wakes.announce(commit);
    publisher.announce(commit);
  };
  const held = opened.move();
  return {
    names,
    store: dynamoStore({ client, names, shards: config.LOG_SHARDS, clock, onCommit }),
    runtime,
    artifacts: s3Artifacts({ client: s3, bucket: config.ARTIFACTS_BUCKET }),
    onWake: wakes.onWake,
    sqs,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
};

export const connect = async (
  instance: Instance,
  config: z.infer<typeof storeConfig>,
  log: Log,
): Promise<Connected> => {
  await using opened = new AsyncDisposableStack();
  const clients = {
    dynamodb: opened.adopt(dynamoClient(), (each) => each.destroy()),
    sqs: opened.adopt(sqsClient(), (each) => each.destroy()),
    sns: opened.adopt(snsClient(), (each) => each.destroy()),
    s3: opened.adopt(s3Client(), (each) => each.destroy()),
  };
  const connected = opened.use(await connectWith(clients, instance, config, log));
  const held = opened.move();
  return { ...connected, [Symbol.asyncDispose]: () => held.disposeAsync() };
};

/** What every service that appends facts and follows the log stands on, made from its configuration and the SDK's own environment. */
import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
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
import { wakePublisher, wakeTopicArn } from './sns/wake-publisher.ts';
import { sqsClient } from './sqs/client.ts';
import { openWakeQueue } from './sqs/wake-queue.ts';
import type { Store } from './store.ts';
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

/** Wakes of one shard that follow one another this closely become one. */
const coalesceMs = 20;

/** A reader looks by itself this often, so that a lost wake costs no more. */
export const pollMs = 2_000;

/** Another number would split the order of every stream, and leave whole shards unread. */
const checkShards = async ({ fixShards }: Pick<Runtime, 'fixShards'>, wanted: number): Promise<void> => {
  const fixed = await fixShards(wanted);
  if (fixed === wanted) return;
  throw new BadConfiguration([`LOG_SHARDS: this installation has ${fixed} log shards for ever, not ${wanted}`]);
};

export const connect = async (
  { service, instanceId }: Instance,
  config: z.infer<typeof storeConfig>,
  log: Log,
): Promise<Connected> => {
  const resources = new AsyncDisposableStack();
  const names = namesOf(config.RESOURCE_PREFIX);
  const client = resources.adopt(dynamoClient(), (each) => each.destroy());
  const sqs = resources.adopt(sqsClient(), (each) => each.destroy());
  const sns = resources.adopt(new SNSClient({}), (each) => each.destroy());
  // The local server has no host name per bucket, and AWS takes the bucket in the path as well.
  const s3 = resources.adopt(new S3Client({ forcePathStyle: true }), (each) => each.destroy());
  try {
    const [wakes, topicArn] = await Promise.all([
      openWakeQueue({ sqs, sns, names, instanceId, service, log }),
      wakeTopicArn(sns, names.wakeTopic),
    ]);
    resources.use(wakes);
    const clock = Date.now;
    const runtime = dynamoRuntime({ client, names, clock });
    await checkShards(runtime, config.LOG_SHARDS);
    const publisher = resources.use(wakePublisher({ client: sns, topicArn, coalesceMs, log }));
    return {
      names,
      store: dynamoStore({ client, names, shards: config.LOG_SHARDS, clock, onCommit: publisher.announce }),
      runtime,
      artifacts: s3Artifacts({ client: s3, bucket: config.ARTIFACTS_BUCKET }),
      onWake: wakes.onWake,
      sqs,
      [Symbol.asyncDispose]: () => resources.disposeAsync(),
    };
  } catch (fault) {
    await resources.disposeAsync();
    throw fault;
  }
};

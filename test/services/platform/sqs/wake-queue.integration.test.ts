/** Wakes from the writer's topic to the queue of every instance; and queues that live as long as their instance. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  AuthorizationErrorException,
  FilterPolicyLimitExceededException,
  ListSubscriptionsByTopicCommand,
  NotFoundException,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import type { SNSClientConfig } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { silent } from '#platform/log.ts';
import { namesOf } from '#platform/names.ts';
import type { Names } from '#platform/names.ts';
import { wakePublisher, wakeTopicArn } from '#platform/sns/wake-publisher.ts';
import { openWakeQueue } from '#platform/sqs/wake-queue.ts';
import type { Commit } from '#platform/store.ts';
import type { Wake } from '#platform/subscribe.ts';
import { startQueues } from '../../../../services/local/queues.ts';
import type { Queues } from '../../../../services/local/queues.ts';
import { injectFaults } from '#test/support/faulty-aws.ts';
import { eventually } from '#test/support/eventually.ts';
import { recordedLog } from '#test/support/recorded-log.ts';

let queues: Queues;
let sqs: SQSClient;
let sns: SNSClient;
let config: SNSClientConfig;
before(async () => {
  const region = 'us-east-1';
  queues = await startQueues({ region });
  config = { endpoint: queues.endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  [sqs, sns] = [new SQSClient(config), new SNSClient(config)];
});
after(async () => {
  sqs.destroy();
  sns.destroy();
  await queues[Symbol.asyncDispose]();
});

/** Every test has a topic of its own. */
const freshNames = (): Names => namesOf(`t${randomUUID().slice(0, 8)}`);
const open = (names: Names, log = silent, instanceId: string = randomUUID()) =>
  openWakeQueue({ sqs, sns, names, instanceId, service: 'test', log });
const publisher = async (names: Names, instanceId = 'writer', client = sns) => {
  const topicArn = await wakeTopicArn(sns, names.wakeTopic);
  return wakePublisher({ client, topicArn, instanceId, coalesceMs: 20, log: silent });
};
const commit = (shard: number, position: number): Commit => ({ shard, position, stream: 'task/1', facts: [] });

const hears = (instance: Awaited<ReturnType<typeof open>>) => {
  const heard: Wake[] = [];
  instance.onWake((wake) => heard.push(wake));
  return heard;
};
const place = ({ shard, position }: Wake): string => `${shard}:${position}`;
const hasHeard = (heard: readonly Wake[], wanted: string) =>
  eventually(() => (heard.map(place).includes(wanted) ? true : undefined), `${wanted} was not heard`);

const queueNames = async ({ wakeQueuePrefix }: Names): Promise<string[]> => {
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: wakeQueuePrefix }));
  return QueueUrls.map((url) => url.slice(url.lastIndexOf('/') + 1 + wakeQueuePrefix.length)).sort();
};
const subscribedQueues = async (names: Names): Promise<string[]> => {
  const TopicArn = await wakeTopicArn(sns, names.wakeTopic);
  const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  return Subscriptions.map(({ Endpoint = '' }) => Endpoint.slice(Endpoint.lastIndexOf(':') + 1)).sort();
};

describe('a wake', () => {
  it('reaches every instance', async () => {
    const names = freshNames();
    await using first = await open(names);
    await using second = await open(names);
    const [one, two] = [hears(first), hears(second)];
    await using published = await publisher(names);
    published.announce(commit(3, 17));
    await hasHeard(one, '3:17');
    await hasHeard(two, '3:17');
  });

  it('goes out at once, and those of any shard that follow within 20 ms become one message', async () => {
    const names = freshNames();
    await using instance = await open(names);
    const heard = hears(instance);
    let messages = 0;
    const counting = injectFaults(new SNSClient(config), {
      PublishCommand: () => {
        messages += 1;
        return undefined;
      },
    });
    await using published = await publisher(names, 'writer', counting);
    for (let position = 1; position <= 50; position += 1)
      for (const shard of [0, 1]) published.announce(commit(shard, position));
    await hasHeard(heard, '0:50');
    await hasHeard(heard, '1:50');
    assert.deepEqual(heard.map(place).sort(), ['0:1', '0:50', '1:50']);
    assert.equal(messages, 2);
  });

  it('that is held back is sent before the publisher is gone', async () => {
    const names = freshNames();
    await using instance = await open(names);
    const heard = hears(instance);
    const published = await publisher(names);
    published.announce(commit(0, 1));
    published.announce(commit(0, 2));
    await published[Symbol.asyncDispose]();
    await hasHeard(heard, '0:2');
  });

  it('that cannot be sent is logged, once in a while, and troubles nobody', async () => {
    const names = freshNames();
    const { log, entries } = recordedLog();
    const unreachable = new SNSClient({
      endpoint: 'http://127.0.0.1:1',
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      maxAttempts: 1,
    });
    const topicArn = await wakeTopicArn(sns, names.wakeTopic);
    const published = wakePublisher({ client: unreachable, topicArn, instanceId: 'a', coalesceMs: 1, log });
    for (let shard = 0; shard < 20; shard += 1) published.announce(commit(shard, 1));
    await published[Symbol.asyncDispose]();
    unreachable.destroy();
    assert.deepEqual(
      entries.map(({ event }) => event),
      ['wake.lost'],
    );
  });

  it('of its own an instance hears at once, and never through its queue', async () => {
    const names = freshNames();
    await using instance = await open(names, silent, 'a');
    const heard = hears(instance);
    instance.announce(commit(0, 1));
    assert.deepEqual(heard.map(place), ['0:1']);
    const own = await publisher(names, 'a');
    own.announce(commit(0, 1));
    await own[Symbol.asyncDispose]();
    await using other = await publisher(names, 'b');
    other.announce(commit(0, 2));
    await hasHeard(heard, '0:2');
    assert.deepEqual(heard.map(place), ['0:1', '0:2']);
  });

  it('of another is heard also where the topic takes no more filters', async () => {
    const names = freshNames();
    const full = { message: 'injected', $metadata: { httpStatusCode: 403 } };
    const refused = () => Promise.reject(new FilterPolicyLimitExceededException(full));
    const crowded = injectFaults(new SNSClient(config), { SubscribeCommand: (nth) => [refused][nth - 1] });
    const options = { sqs, sns: crowded, names, instanceId: 'a', service: 'test', log: silent };
    await using instance = await openWakeQueue(options);
    const heard = hears(instance);
    await using other = await publisher(names, 'b');
    other.announce(commit(0, 1));
    await hasHeard(heard, '0:1');
  });

  it('that makes no sense is passed over', async () => {
    const names = freshNames();
    const { log, entries } = recordedLog();
    await using instance = await open(names, log, 'a');
    const heard = hears(instance);
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: `${names.wakeQueuePrefix}test-a` }));
    for (const MessageBody of ['hello', '[{"shard":-1,"position":1}]', '[{"shard":1,"position":2}]'])
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    await hasHeard(heard, '1:2');
    await eventually(() => (entries.length === 2 ? true : undefined), 'two malformed wakes were not logged');
    assert.deepEqual(heard.map(place), ['1:2']);
  });
});

describe('the queue of an instance', () => {
  it('is gone with its instance, and so is its subscription', async () => {
    const names = freshNames();
    const instance = await open(names, silent, 'a');
    assert.deepEqual(await queueNames(names), ['test-a']);
    assert.deepEqual(await subscribedQueues(names), [`${names.wakeQueuePrefix}test-a`]);
    await instance[Symbol.asyncDispose]();
    assert.deepEqual([await queueNames(names), await subscribedQueues(names)], [[], []]);
  });

  it('is made again when somebody deletes it', async () => {
    const names = freshNames();
    await using instance = await open(names, silent, 'a');
    const heard = hears(instance);
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: `${names.wakeQueuePrefix}test-a` }));
    await sqs.send(new DeleteQueueCommand({ QueueUrl }));
    await eventually(async () => ((await queueNames(names)).length === 1 ? true : undefined), 'not made again');
    await using published = await publisher(names);
    published.announce(commit(0, 1));
    await hasHeard(heard, '0:1');
  });

  it('is swept by the next instance when its own has been silent for ten minutes, and never before', async () => {
    const names = freshNames();
    const TopicArn = await wakeTopicArn(sns, names.wakeTopic);
    const account = TopicArn.slice('arn:aws:sns:'.length, TopicArn.lastIndexOf(':'));
    const leave = async (name: string, silentMs?: number): Promise<void> => {
      const QueueName = `${names.wakeQueuePrefix}test-${name}`;
      const Endpoint = `arn:aws:sqs:${account}:${QueueName}`;
      const { SubscriptionArn = '' } = await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }));
      const at = silentMs === undefined ? undefined : new Date(Date.now() - silentMs).toISOString();
      const tags = at === undefined ? {} : { 'alive-at': at, subscription: SubscriptionArn };
      await sqs.send(new CreateQueueCommand({ QueueName, tags }));
    };
    await leave('dead', 601_000);
    await leave('dead-too', 86_400_000);
    await leave('silent', 590_000);
    await leave('foreign');
    // Disposing waits for the sweep.
    await (await open(names, silent, 'new'))[Symbol.asyncDispose]();
    const left = ['test-foreign', 'test-silent'];
    assert.deepEqual(await queueNames(names), left);
    assert.deepEqual(
      await subscribedQueues(names),
      left.map((name) => names.wakeQueuePrefix + name),
    );
  });

  it('that cannot be swept does not keep others from it, nor does one whose subscription is gone', async () => {
    const names = freshNames();
    const at = new Date(Date.now() - 601_000).toISOString();
    for (const name of ['a', 'b', 'c']) {
      const tags = { 'alive-at': at, subscription: `arn:aws:sns:us-east-1:000000000000:${names.wakeTopic}:${name}` };
      await sqs.send(new CreateQueueCommand({ QueueName: `${names.wakeQueuePrefix}test-${name}`, tags }));
    }
    const metadata = { message: 'injected', $metadata: { httpStatusCode: 404 } };
    const gone = () => Promise.reject(new NotFoundException(metadata));
    const refused = () => Promise.reject(new AuthorizationErrorException(metadata));
    const faulty = injectFaults(new SNSClient(config), { UnsubscribeCommand: (nth) => [refused, gone, gone][nth - 1] });
    const options = { sqs, sns: faulty, names, instanceId: 'new', service: 'test', log: silent };
    await (await openWakeQueue(options))[Symbol.asyncDispose]();
    assert.deepEqual(await queueNames(names), ['test-a']);
  });

  it('says each minute that its instance lives', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: Date.UTC(2026, 0, 1) });
    const names = freshNames();
    await using _ = await open(names, silent, 'a');
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: `${names.wakeQueuePrefix}test-a` }));
    const aliveAt = async () => (await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags?.['alive-at'];
    assert.equal(await aliveAt(), '2026-01-01T00:00:00.000Z');
    t.mock.timers.tick(60_000);
    await eventually(async () => ((await aliveAt()) === '2026-01-01T00:01:00.000Z' ? true : undefined), 'not renewed');
  });
});

/** The queue behind the wake topic that lives as long as this instance: made at the start, listened to, deleted at the end. */
import { FilterPolicyLimitExceededException, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import type { SNSClient } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  TagQueueCommand,
} from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { fullJitter, pause } from '../backoff.ts';
import { jsonText } from '../json.ts';
import type { Log } from '../log.ts';
import { memoryWakes } from '../memory/wakes.ts';
import type { Wakes } from '../memory/wakes.ts';
import type { Names } from '../names.ts';
import { sentByOthers, WakeMessage, wakeTopicArn } from '../sns/wake-publisher.ts';
import type { Wake } from '../subscribe.ts';
import { aliveTags, renewEveryMs, sweepWakeQueues } from './wake-leftovers.ts';

export type WakeQueueOptions = {
  readonly sqs: SQSClient;
  readonly sns: SNSClient;
  readonly names: Names;
  readonly instanceId: string;
  /** What kind of instance this is, so that people can tell the queues apart. */
  readonly service: string;
  readonly log: Log;
};

/** What this instance announces is heard within it at once; its queue brings what the others announce. */
export type WakeQueue = AsyncDisposable & Wakes;

const topicMaySend = (queueArn: string, topicArn: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'sns.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: queueArn,
        Condition: { ArnEquals: { 'aws:SourceArn': topicArn } },
      },
    ],
  });

/** Topic and queue are of one account and region, so the one's ARN tells the other's. */
const queueArnOf = (topicArn: string, queueName: string): string => {
  const [arn, partition, , region, account] = topicArn.split(':');
  return [arn, partition, 'sqs', region, account, queueName].join(':');
};

const subscribeQueue = async ({ sns, instanceId }: WakeQueueOptions, TopicArn: string, Endpoint: string) => {
  const ask = (attributes: Record<string, string>) => {
    const Attributes = { RawMessageDelivery: 'true', ...attributes };
    return sns.send(
      new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint, Attributes, ReturnSubscriptionArn: true }),
    );
  };
  try {
    return await ask({ FilterPolicy: sentByOthers(instanceId) });
  } catch (fault) {
    // A topic has 200 filters; an instance beyond them hears itself twice, which is slower and nothing worse.
    if (!(fault instanceof FilterPolicyLimitExceededException)) throw fault;
    return ask({});
  }
};

const Opened = z.object({ queueUrl: z.string(), subscriptionArn: z.string() });
type Opened = z.infer<typeof Opened>;

const renew = (sqs: SQSClient, { queueUrl, subscriptionArn }: Opened) =>
  sqs.send(new TagQueueCommand({ QueueUrl: queueUrl, Tags: aliveTags(subscriptionArn) }));

const open = async (options: WakeQueueOptions): Promise<Opened> => {
  const { sqs, sns, names, service, instanceId } = options;
  const QueueName = `${names.wakeQueuePrefix}${service}-${instanceId}`;
  const topicArn = await wakeTopicArn(sns, names.wakeTopic);
  const queueArn = queueArnOf(topicArn, QueueName);
  // A wake of a minute ago is worth nothing: the shortest retention there is.
  const Attributes = { MessageRetentionPeriod: '60', Policy: topicMaySend(queueArn, topicArn) };
  const queue = await sqs.send(new CreateQueueCommand({ QueueName, Attributes, tags: aliveTags() }));
  const subscription = await subscribeQueue(options, topicArn, queueArn);
  const opened = Opened.parse({ queueUrl: queue.QueueUrl, subscriptionArn: subscription.SubscriptionArn });
  await renew(sqs, opened);
  return opened;
};
const Body = jsonText(WakeMessage);

/** Waits up to 20 s for messages and gives back the wakes in them. */
const receive = async ({ sqs, log }: WakeQueueOptions, QueueUrl: string, signal: AbortSignal): Promise<Wake[]> => {
  const request = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20 });
  const { Messages = [] } = await sqs.send(request, { abortSignal: signal });
  if (Messages.length > 0) {
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    // Not waited for: a message that stays is a wake that comes twice, and that is allowed.
    sqs
      .send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
      .catch((err: unknown) => log.problem('wake.not-deleted', { err }));
  }
  return Messages.flatMap(({ Body: body }) => {
    const wakes = Body.safeParse(body);
    if (!wakes.success) log.problem('wake.malformed', { err: wakes.error });
    return wakes.data ?? [];
  });
};

/** Rejects when the queue cannot be made; whatever goes wrong later costs only speed, and is logged and tried again. */
export const openWakeQueue = async (options: WakeQueueOptions): Promise<WakeQueue> => {
  const { sqs, sns, names, log } = options;
  const wakes = memoryWakes();
  const ending = new AbortController();
  const ended = (): boolean => ending.signal.aborted;
  let opened = await open(options);

  const listen = async (): Promise<void> => {
    let failures = 0;
    let lost = false;
    while (!ended()) {
      try {
        if (lost) opened = await open(options);
        lost = false;
        (await receive(options, opened.queueUrl, ending.signal)).forEach(wakes.announce);
        failures = 0;
      } catch (err) {
        if (ended()) break;
        lost ||= err instanceof QueueDoesNotExist;
        log.problem('wake-queue.failed', { err, lost, failures });
        await pause(fullJitter(failures, 100, 10_000), ending.signal);
        failures += 1;
      }
    }
  };
  const listening = listen();
  const sweeping = sweepWakeQueues({ sqs, sns, prefix: names.wakeQueuePrefix, log }, ending.signal);
  const renewal = setInterval(() => {
    renew(sqs, opened).catch((err: unknown) => log.problem('wake-queue.not-renewed', { err }));
  }, renewEveryMs);

  return {
    ...wakes,
    [Symbol.asyncDispose]: async () => {
      if (ended()) return;
      ending.abort();
      clearInterval(renewal);
      await Promise.all([listening, sweeping]);
      await sns.send(new UnsubscribeCommand({ SubscriptionArn: opened.subscriptionArn })).catch(left(log));
      await sqs.send(new DeleteQueueCommand({ QueueUrl: opened.queueUrl })).catch(left(log));
    },
  };
};

/** What cannot be deleted now is swept by another instance, later. */
const left =
  (log: Log) =>
  (err: unknown): void =>
    log.problem('wake-queue.left', { err });

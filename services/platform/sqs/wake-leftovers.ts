/** Wake queues whose instance died without deleting them: how they are told from live ones, and how they go. */
import { NotFoundException, UnsubscribeCommand } from '@aws-sdk/client-sns';
import type { SNSClient } from '@aws-sdk/client-sns';
import { DeleteQueueCommand, ListQueueTagsCommand, paginateListQueues, QueueDoesNotExist } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { pause } from '../backoff.ts';
import type { Log } from '../log.ts';

/** A live instance writes the time into its queue's tags this often, … */
export const renewEveryMs = 60_000;
/** … so one that is silent ten times as long is dead; the margin is larger than any honest clock is wrong. */
const deadAfterMs = 10 * renewEveryMs;

export const aliveTags = (subscriptionArn?: string): Record<string, string> => ({
  'alive-at': new Date().toISOString(),
  ...(subscriptionArn === undefined ? {} : { subscription: subscriptionArn }),
});
/** A queue without them was not made by `openWakeQueue` and is left alone. */
const Tags = z.object({ 'alive-at': z.iso.datetime(), subscription: z.string().optional() });

type Sweep = { readonly sqs: SQSClient; readonly sns: SNSClient; readonly prefix: string; readonly log: Log };

const sweepOne = async ({ sqs, sns, log }: Sweep, QueueUrl: string): Promise<void> => {
  const tags = Tags.safeParse((await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags);
  if (!tags.success || Date.now() - Date.parse(tags.data['alive-at']) < deadAfterMs) return;
  const { subscription } = tags.data;
  if (subscription !== undefined) {
    await sns.send(new UnsubscribeCommand({ SubscriptionArn: subscription })).catch((err: unknown) => {
      // Whoever swept before us came no further than this.
      if (!(err instanceof NotFoundException)) throw err;
    });
  }
  await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  log('wake-queue.swept', { queueUrl: QueueUrl, aliveAt: tags.data['alive-at'] });
};

const sweepAll = async (sweep: Sweep): Promise<void> => {
  const { sqs, prefix, log } = sweep;
  const pages = paginateListQueues({ client: sqs }, { QueueNamePrefix: prefix, MaxResults: 1_000 });
  for await (const { QueueUrls = [] } of pages) {
    for (const queueUrl of QueueUrls) {
      await sweepOne(sweep, queueUrl).catch((err: unknown) => {
        // Another instance was faster; and one that cannot be swept does not keep the others.
        if (!(err instanceof QueueDoesNotExist)) log.problem('wake-queue.not-swept', { err, queueUrl });
      });
    }
  }
};

/** Now and every ten minutes. A leftover that stays costs a little money, so a sweep that fails is only logged. */
export const sweepWakeQueues = async (sweep: Sweep, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    await sweepAll(sweep).catch((err: unknown) => sweep.log.problem('wake-queue.not-swept', { err }));
    await pause(deadAfterMs, signal);
  }
};

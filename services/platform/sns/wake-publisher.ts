/** Tells every instance that a shard of the log has moved on: fire and forget, because whoever misses it looks anyway. */
import { CreateTopicCommand, PublishCommand } from '@aws-sdk/client-sns';
import type { SNSClient } from '@aws-sdk/client-sns';
import { z } from 'zod';
import type { Log } from '../log.ts';
import type { OnCommit } from '../store.ts';
import type { Wake } from '../subscribe.ts';

/** The body of one message: each shard at most once, at its newest position. */
export const WakeMessage = z.array(z.object({ shard: z.int().nonnegative(), position: z.int().positive() })).min(1);

const sentBy = (instanceId: string) => ({ instance: { DataType: 'String', StringValue: instanceId } });

/** As a subscription's filter: what every instance sends but this one. */
export const sentByOthers = (instanceId: string): string =>
  JSON.stringify({ instance: [{ 'anything-but': [instanceId] }] });

/** The topic's ARN; the topic is made if it is missing and left as it is otherwise. */
export const wakeTopicArn = async (client: SNSClient, name: string): Promise<string> => {
  const { TopicArn } = await client.send(new CreateTopicCommand({ Name: name }));
  return z.string().parse(TopicArn);
};

export type WakePublisher = AsyncDisposable & { readonly announce: OnCommit };

type WakePublisherOptions = {
  readonly client: SNSClient;
  readonly topicArn: string;
  /** Whose wakes these are. */
  readonly instanceId: string;
  /** After a message, what comes is held back this long and becomes one message: writing more costs no more messages. */
  readonly coalesceMs: number;
  readonly log: Log;
};

/** Readers have looked by themselves before a wake this old arrives; it also bounds what a dead network piles up. */
const worthlessAfterMs = 2_000;
const tellFailuresEveryMs = 30_000;

/** Disposing sends what is held back and waits for what is under way. */
export const wakePublisher = (options: WakePublisherOptions): WakePublisher => {
  const { client, topicArn, instanceId, coalesceMs, log } = options;
  /** What is held back: the newest position of each shard. */
  let late = new Map<number, number>();
  let windowEnd: NodeJS.Timeout | undefined;
  const underWay = new Set<Promise<void>>();
  let failures = 0;
  let failuresToldAt = Number.NEGATIVE_INFINITY;

  const publish = async (wakes: readonly Wake[]): Promise<void> => {
    try {
      const message = { TopicArn: topicArn, Message: JSON.stringify(wakes), MessageAttributes: sentBy(instanceId) };
      await client.send(new PublishCommand(message), { abortSignal: AbortSignal.timeout(worthlessAfterMs) });
    } catch (err) {
      failures += 1;
      if (performance.now() - failuresToldAt < tellFailuresEveryMs) return;
      log.problem('wake.lost', { err, failures });
      failures = 0;
      failuresToldAt = performance.now();
    }
  };
  const send = (): void => {
    const wakes = [...late].map(([shard, position]) => ({ shard, position }));
    late = new Map();
    const sending = publish(wakes).finally(() => underWay.delete(sending));
    underWay.add(sending);
  };
  const endWindow = (): void => {
    windowEnd = late.size > 0 ? setTimeout(endWindow, coalesceMs) : undefined;
    if (late.size > 0) send();
  };

  return {
    announce: ({ shard, position }) => {
      late.set(shard, Math.max(position, late.get(shard) ?? 0));
      if (windowEnd === undefined) endWindow();
    },
    [Symbol.asyncDispose]: async () => {
      clearTimeout(windowEnd);
      endWindow();
      clearTimeout(windowEnd);
      await Promise.all(underWay);
    },
  };
};

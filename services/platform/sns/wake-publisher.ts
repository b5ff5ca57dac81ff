/** Tells every instance that a shard of the log has moved on: fire and forget, because whoever misses it looks anyway. */
import { CreateTopicCommand, PublishCommand } from '@aws-sdk/client-sns';
import type { SNSClient } from '@aws-sdk/client-sns';
import { z } from 'zod';
import type { Log } from '../log.ts';
import type { OnCommit } from '../store.ts';
import type { Wake } from '../subscribe.ts';

/** The body of one message: each shard at most once, at its newest position. */
export const WakeMessage = z.array(z.object({ shard: z.int().nonnegative(), position: z.int().positive() })).min(1);

/** The topic's ARN; the topic is made if it is missing and left as it is otherwise. */
export const wakeTopicArn = async (client: SNSClient, name: string): Promise<string> => {
  const { TopicArn } = await client.send(new CreateTopicCommand({ Name: name }));
  return z.string().parse(TopicArn);
};

export type WakePublisher = AsyncDisposable & { readonly announce: OnCommit };

type WakePublisherOptions = {
  readonly client: SNSClient;
  readonly topicArn: string;
  /** After a wake of a shard, later ones of that shard are held back this long and become one. */
  readonly coalesceMs: number;
  readonly log: Log;
};

/** Readers have looked by themselves before a wake this old arrives; it also bounds what a dead network piles up. */
const worthlessAfterMs = 2_000;
const tellFailuresEveryMs = 30_000;

/** Disposing sends what is held back and waits for what is under way. */
export const wakePublisher = ({ client, topicArn, coalesceMs, log }: WakePublisherOptions): WakePublisher => {
  /** Shards told of in this window of time, with the newest position not yet told, where there is one. */
  let told = new Map<number, number | undefined>();
  let windowEnd: NodeJS.Timeout | undefined;
  const underWay = new Set<Promise<void>>();
  let failures = 0;
  let failuresToldAt = Number.NEGATIVE_INFINITY;

  const publish = async (wakes: readonly Wake[]): Promise<void> => {
    try {
      const message = new PublishCommand({ TopicArn: topicArn, Message: JSON.stringify(wakes) });
      await client.send(message, { abortSignal: AbortSignal.timeout(worthlessAfterMs) });
    } catch (err) {
      failures += 1;
      if (performance.now() - failuresToldAt < tellFailuresEveryMs) return;
      log.problem('wake.lost', { err, failures });
      failures = 0;
      failuresToldAt = performance.now();
    }
  };
  const send = (wakes: readonly Wake[]): void => {
    const sending = publish(wakes).finally(() => underWay.delete(sending));
    underWay.add(sending);
  };
  const endWindow = (): void => {
    const late = [...told].flatMap(([shard, position]) => (position === undefined ? [] : [{ shard, position }]));
    told = new Map(late.map(({ shard }) => [shard, undefined]));
    windowEnd = late.length > 0 ? setTimeout(endWindow, coalesceMs) : undefined;
    if (late.length > 0) send(late);
  };

  return {
    announce: ({ shard, position }) => {
      if (told.has(shard)) {
        told.set(shard, Math.max(position, told.get(shard) ?? 0));
        return;
      }
      told.set(shard, undefined);
      windowEnd ??= setTimeout(endWindow, coalesceMs);
      send([{ shard, position }]);
    },
    [Symbol.asyncDispose]: async () => {
      clearTimeout(windowEnd);
      endWindow();
      clearTimeout(windowEnd);
      await Promise.all(underWay);
    },
  };
};

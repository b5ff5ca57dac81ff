/** The work queues as this worker sees them: the next hint, and what becomes of the message behind it. */
import { GetQueueUrlCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import type { Priority } from '#events/task.ts';
import type { Log } from '#platform/log.ts';
import type { Names } from '#platform/names.ts';
import { nextWork } from '#platform/sqs/priorities.ts';
import { workQueue } from '#platform/sqs/work-queue.ts';
import { beatMs } from './attempt.ts';
import type { TakeHint } from './work-loop.ts';

/** Six heartbeats: a worker that is slow to say so does not lose the message to another. */
const holdMs = 6 * beatMs;

export type TakesHints = AsyncDisposable & { readonly takeHint: TakeHint };

export const openQueues = async (sqs: SQSClient, names: Names, log: Log): Promise<TakesHints> => {
  const open = async (priority: Priority) => {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: names.workQueues[priority] }));
    return workQueue({ sqs, queueUrl: z.string().parse(QueueUrl), priority, log });
  };
  const [high, normal, low] = await Promise.all([open('high'), open('normal'), open('low')]);
  const work = nextWork({ queues: { high, normal, low }, log });
  return {
    takeHint: async (signal) => {
      const message = await work.takeWork(signal).catch((fault: unknown) => {
        if (signal.aborted) return undefined;
        throw fault;
      });
      if (!message) return undefined;
      const { stream, traceparent, done } = message;
      return { stream, traceparent, done, extend: () => message.extend(holdMs) };
    },
    [Symbol.asyncDispose]: () => work[Symbol.asyncDispose](),
  };
};

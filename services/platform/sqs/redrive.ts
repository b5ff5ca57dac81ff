/** Another chance for messages that were put aside, when whatever they met is mended. */
import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';

const Held = z.object({ MessageId: z.string(), Body: z.string(), ReceiptHandle: z.string() });

/** Nobody else receives from a dead-letter queue, so this is long enough for one message and short after a crash. */
const holdSeconds = 10;

const urlOf = async (sqs: SQSClient, QueueName: string): Promise<string> =>
  z.string().parse((await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl);

/**
 * Moves what is in `deadLetters` to `queue`, where it counts as never received; answers how many. Each is sent before it
 * is deleted, so a crash may leave one in both, which work messages bear; and one that comes back meanwhile stays.
 */
export const redrive = async (sqs: SQSClient, deadLetters: string, queue: string): Promise<number> => {
  const [source, target] = await Promise.all([urlOf(sqs, deadLetters), urlOf(sqs, queue)]);
  const request = { QueueUrl: source, MaxNumberOfMessages: 1, WaitTimeSeconds: 1, VisibilityTimeout: holdSeconds };
  // A message keeps its id when it is put aside.
  const sent = new Set<string | undefined>();
  for (;;) {
    const { Messages: [message] = [] } = await sqs.send(new ReceiveMessageCommand(request));
    if (message === undefined) return sent.size;
    const { MessageId, Body: MessageBody, ReceiptHandle } = Held.parse(message);
    if (sent.has(MessageId)) continue;
    sent.add((await sqs.send(new SendMessageCommand({ QueueUrl: target, MessageBody }))).MessageId);
    await sqs.send(new DeleteMessageCommand({ QueueUrl: source, ReceiptHandle }));
  }
};

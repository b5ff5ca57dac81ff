/** A queue of work that the bus filled: one message at a time, held until it is done, given back, or forgotten by a crash. */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  MessageNotInflight,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { StreamId } from '#events/envelope.ts';
import type { Priority } from '#events/task.ts';
import { jsonText } from '../json.ts';
import type { Log } from '../log.ts';

/**
 * Says that a fact was stored, and where; what to do is decided on the stream. It is held for the queue's visibility
 * timeout or as long as it is extended, and then comes again, here or elsewhere; after five times it goes to the
 * dead-letter queue.
 */
export type WorkMessage = {
  readonly stream: StreamId;
  readonly version: number;
  readonly type: string;
  readonly traceparent?: string;
  /** How often it has been received, this time included. */
  readonly receives: number;
  /** Holds it for so much longer from now; rejects when it is held no more. */
  readonly extend: (ms: number) => Promise<void>;
  readonly done: () => Promise<void>;
  /** For somebody else to receive after `delayMs`. */
  readonly giveBack: (delayMs: number) => Promise<void>;
};

export type WorkQueue = {
  readonly priority: Priority;
  /** Waits up to `waitSeconds` (20 at most) for a message. A malformed one is logged and left to the dead-letter queue. */
  readonly receive: (waitSeconds: number) => Promise<WorkMessage | undefined>;
};

type WorkQueueOptions = {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly priority: Priority;
  readonly log: Log;
};

/** An event as EventBridge delivers it. */
const Work = jsonText(
  z.object({
    detail: z.object({
      stream: StreamId,
      version: z.int().positive(),
      type: z.string(),
      traceparent: z.string().optional(),
    }),
  }),
);
const Receipt = z
  .object({
    MessageId: z.string(),
    ReceiptHandle: z.string(),
    Attributes: z.object({ ApproximateReceiveCount: z.coerce.number().int().positive() }),
  })
  .transform(({ Attributes, ...message }) => ({ ...message, receives: Attributes.ApproximateReceiveCount }));
type Receipt = z.infer<typeof Receipt>;

/** Short, so that it reaches the dead-letter queue while people still remember; not 0, so that others are received first. */
const malformedAgainMs = 1_000;

const seconds = (ms: number): number => Math.ceil(ms / 1_000);

export const workQueue = ({ sqs, queueUrl: QueueUrl, priority, log }: WorkQueueOptions): WorkQueue => {
  const hide = async (ReceiptHandle: string, ms: number): Promise<void> => {
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: seconds(ms) }));
  };

  const setAside = async ({ ReceiptHandle, receives, MessageId }: Receipt, err: z.ZodError): Promise<void> => {
    log.problem('work.malformed', { err, priority, receives, messageId: MessageId });
    await hide(ReceiptHandle, malformedAgainMs);
  };

  const receive = async (waitSeconds: number): Promise<WorkMessage | undefined> => {
    const request = { QueueUrl, MaxNumberOfMessages: 1, WaitTimeSeconds: waitSeconds };
    const { Messages: [message] = [] } = await sqs.send(
      new ReceiveMessageCommand({ ...request, MessageSystemAttributeNames: ['ApproximateReceiveCount'] }),
    );
    if (message === undefined) return undefined;
    const receipt = Receipt.parse(message);
    const work = Work.safeParse(message.Body);
    if (!work.success) {
      await setAside(receipt, work.error);
      return receive(waitSeconds);
    }
    const { ReceiptHandle, receives } = receipt;
    const { traceparent, ...detail } = work.data.detail;
    return {
      ...detail,
      ...(traceparent === undefined ? {} : { traceparent }),
      receives,
      extend: (ms) => hide(ReceiptHandle, ms),
      done: async () => {
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      },
      giveBack: async (delayMs) => {
        await hide(ReceiptHandle, delayMs).catch((err: unknown) => {
          // Held no more, so it is back already.
          if (!(err instanceof MessageNotInflight)) throw err;
        });
      },
    };
  };
  return { priority, receive };
};

/** Sees every request of the faulty clients: counts its attempts, notes what the bus took, and lets the cells strike. */
import { ChangeMessageVisibilityCommand, DeleteMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import type { Call, Fault, Intercept } from '#test/support/faulty-aws.ts';
import type { FactName } from '#test/support/history.ts';
import { announcedIn, rememberIndex, rewritten } from './answers.ts';
import { tokenOf } from './cells.ts';
import type { Cells, Delivery } from './cells.ts';

/** The most attempts of one request, by command; a transaction is one request however often it is sent. */
export const countAttempts = () => {
  const requests = new WeakMap<object, number>();
  const transactions = new Map<string, number>();
  const most = new Map<string, number>();
  let all = 0;
  return {
    count: ({ command, request, input }: Call): void => {
      all += 1;
      const token = tokenOf(input);
      const attempts = (token === undefined ? (requests.get(request) ?? 0) : (transactions.get(token) ?? 0)) + 1;
      if (token === undefined) requests.set(request, attempts);
      else transactions.set(token, attempts);
      most.set(command, Math.max(most.get(command) ?? 0, attempts));
    },
    most: (): ReadonlyMap<string, number> => most,
    all: () => all,
  };
};
export type Attempts = ReturnType<typeof countAttempts>;

const Messages = z.array(z.looseObject({ Body: z.string(), ReceiptHandle: z.string() }));
const Received = z.object({ QueueUrl: z.string() });

const isWork = ({ command, input }: Call): boolean =>
  command === 'ReceiveMessageCommand' && Received.parse(input).QueueUrl.includes('-work-');

const lateSeconds = 1;

/** Does to a message what a queue may do; false when the receiver shall not see it now. */
const deliver = async (
  sqs: SQSClient,
  QueueUrl: string,
  ReceiptHandle: string,
  how: Delivery | undefined,
): Promise<boolean> => {
  const hide = (VisibilityTimeout: number) =>
    sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));
  switch (how) {
    case undefined:
      return true;
    case 'twice':
      await hide(0);
      return true;
    case 'late':
      await hide(lateSeconds);
      return false;
    case 'never':
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      return false;
  }
};

/** Messages belong to the cell whose task they name, and so does whatever is then done with their receipts. */
const delivering =
  (call: Call, cells: Cells, sqs: SQSClient): Fault =>
  (send) => {
    const { QueueUrl } = Received.parse(call.input);
    return rewritten(async (output) => {
      const messages = Messages.parse(output['Messages'] ?? []);
      const seen: unknown[] = [];
      for (const message of messages) {
        const cell = cells.inText(message.Body);
        if (cell) cells.name(cell, message.ReceiptHandle);
        if (await deliver(sqs, QueueUrl, message.ReceiptHandle, cell?.delivery())) seen.push(message);
      }
      output['Messages'] = seen;
    })(send);
  };

const noting =
  (call: Call, announced: FactName[]): Fault =>
  (send) => {
    const asked = announcedIn(call);
    return rewritten((output) => {
      const results = z.array(z.looseObject({ EventId: z.string().optional() })).parse(output['Entries']);
      announced.push(...asked.filter((_, index) => results[index]?.EventId !== undefined));
    })(send);
  };

export type Watching = { readonly cells: Cells; readonly attempts: Attempts; readonly announced: FactName[] };

/** `sqs` is of somebody whose requests always arrive; `also` may strike what belongs to no cell. */
export const watching =
  ({ cells, attempts, announced }: Watching, sqs: SQSClient, also?: Intercept): Intercept =>
  (call) => {
    attempts.count(call);
    const cell = cells.of(call);
    const fault = cell ? cell.choose(call) : also?.(call);
    // The body of the request may be shortened by the fault, so what is sent is looked at after it.
    const inner: Fault | undefined =
      call.command === 'PutEventsCommand'
        ? (send) => noting(call, announced)(send)
        : isWork(call)
          ? delivering(call, cells, sqs)
          : rememberIndex(call);
    if (!fault || !inner) return fault ?? inner;
    return (send) => fault(() => inner(send));
  };

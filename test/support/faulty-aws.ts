/** Faults that no emulator shows, put between an SDK client and the wire: beneath the SDK's own retries, as real ones are. */
import {
  InternalServerError,
  ThrottlingException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import type { CancellationReason, DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** What becomes of one request: `send` lets it reach the service. */
export type Fault = <Answer>(send: () => Promise<Answer>) => Promise<Answer>;

const timeout = (): Error => Object.assign(new Error('no answer came'), { name: 'TimeoutError' });

export const timedOutBeforeCommit: Fault = () => Promise.reject(timeout());

export const responseLost: Fault = async (send) => {
  await send();
  throw timeout();
};

export const serverError: Fault = () =>
  Promise.reject(new InternalServerError({ message: 'injected', $metadata: { httpStatusCode: 500 } }));

export const throttled: Fault = () =>
  Promise.reject(new ThrottlingException({ message: 'injected', $metadata: { httpStatusCode: 400 } }));

/** What a single write meets when a transaction holds its item. */
export const itemInTransaction: Fault = () =>
  Promise.reject(new TransactionConflictException({ message: 'injected', $metadata: { httpStatusCode: 400 } }));

/** A transaction cancelled because of the item at `index`; the others say `None`. */
export const cancelled =
  (index: number, Code: string): Fault =>
  () => {
    const CancellationReasons: CancellationReason[] = [];
    for (let before = 0; before < index; before += 1) CancellationReasons.push({ Code: 'None' });
    CancellationReasons.push({ Code });
    const $metadata = { httpStatusCode: 400 };
    return Promise.reject(new TransactionCanceledException({ message: 'injected', $metadata, CancellationReasons }));
  };

/** A request whose sender gave up waiting, and that reaches the service when `arrive` is called. */
export const late = (): { readonly fault: Fault; readonly arrive: () => Promise<void> } => {
  let deliver: () => Promise<unknown> = () => Promise.reject(new Error('no request is under way'));
  return {
    fault: (send) => {
      deliver = send;
      return Promise.reject(timeout());
    },
    arrive: async () => {
      await deliver();
    },
  };
};

/** Requests of one command, counted from 1. Every attempt counts, the SDK's own too. */
export type Plan = (nth: number, input: unknown) => Fault | undefined;

/** `plans` by the name of the SDK's command, such as `TransactWriteItemsCommand`. */
export const injectFaults = (client: DynamoDBClient, plans: Readonly<Record<string, Plan>>): DynamoDBClient => {
  const counts = new Map<string, number>();
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        const nth = (counts.get(commandName) ?? 0) + 1;
        counts.set(commandName, nth);
        const fault = plans[commandName]?.(nth, args.input);
        return fault ? fault(() => next(args)) : next(args);
      },
    { step: 'finalizeRequest', priority: 'low', name: 'injectFaults' },
  );
  return client;
};

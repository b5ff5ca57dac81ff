/** Faults that no emulator shows, put between an SDK client and the wire: beneath the SDK's own retries, as real ones are. */
import {
  DynamoDBServiceException,
  InternalServerError,
  ThrottlingException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import type { CancellationReason } from '@aws-sdk/client-dynamodb';
import { EventBridgeServiceException } from '@aws-sdk/client-eventbridge';
import { S3ServiceException } from '@aws-sdk/client-s3';
import { SNSServiceException } from '@aws-sdk/client-sns';
import { SQSServiceException } from '@aws-sdk/client-sqs';

/** What becomes of one request: `send` lets it reach the service. */
export type Fault = <Answer>(send: () => Promise<Answer>) => Promise<Answer>;

const timeout = (): Error => Object.assign(new Error('no answer came'), { name: 'TimeoutError' });

export const timedOutBeforeCommit: Fault = () => Promise.reject(timeout());

export const responseLost: Fault = async (send) => {
  await send();
  throw timeout();
};

export const connectionReset: Fault = () =>
  Promise.reject(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));

export const serverError: Fault = () =>
  Promise.reject(new InternalServerError({ message: 'injected', $metadata: { httpStatusCode: 500 } }));

export const throttled: Fault = () =>
  Promise.reject(new ThrottlingException({ message: 'injected', $metadata: { httpStatusCode: 400 } }));

const exceptions = {
  DynamoDB: DynamoDBServiceException,
  EventBridge: EventBridgeServiceException,
  S3: S3ServiceException,
  SNS: SNSServiceException,
  SQS: SQSServiceException,
} as const;
export type Service = keyof typeof exceptions;
const services = ['DynamoDB', 'EventBridge', 'S3', 'SNS', 'SQS'] as const satisfies readonly Service[];

/** What each service says of too many requests, and with which status. */
const throttles = {
  DynamoDB: ['ThrottlingException', 400],
  EventBridge: ['ThrottlingException', 400],
  S3: ['SlowDown', 503],
  SNS: ['Throttled', 429],
  SQS: ['RequestThrottled', 403],
} as const satisfies Record<Service, readonly [string, number]>;

const refusal =
  (service: Service, name: string, httpStatusCode: number): Fault =>
  () => {
    const $fault = httpStatusCode < 500 ? 'client' : 'server';
    const told = { name, $fault, message: 'injected', $metadata: { httpStatusCode } } as const;
    return Promise.reject(new exceptions[service](told));
  };

export const throttledBy = (service: Service): Fault => {
  const [name, httpStatusCode] = throttles[service];
  return refusal(service, name, httpStatusCode);
};
export const unavailable = (service: Service): Fault => refusal(service, 'ServiceUnavailable', 503);

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

/** One attempt of one request, before it goes out. */
export type Call = {
  readonly service: Service;
  /** The name of the SDK's command, such as `TransactWriteItemsCommand`. */
  readonly command: string;
  readonly input: object;
  /** The same object for every attempt that the SDK makes at one `send`. */
  readonly request: object;
  /** From 1, within that request. */
  readonly attempt: number;
  /** The HTTP request, which may be changed. */
  readonly http: unknown;
};
export type Intercept = (call: Call) => Fault | undefined;

type Args = { readonly input: object; readonly request?: unknown };
type Handler = (args: Args) => Promise<unknown>;
type Context = { readonly clientName?: string; readonly commandName?: string };
/** As much of an SDK client as is needed here; their own types differ in what they are asked. */
type Stack = {
  readonly add: (
    middleware: (next: Handler, context: Context) => Handler,
    options: { readonly step: 'finalizeRequest'; readonly priority: 'low'; readonly name: string },
  ) => void;
};
const hasMiddleware = (client: unknown): client is { readonly middlewareStack: Stack } =>
  typeof client === 'object' && client !== null && 'middlewareStack' in client;

const serviceOf = (clientName = ''): Service => {
  const service = services.find((each) => clientName === `${each}Client`);
  if (service === undefined) throw new Error(`no faults are known for ${clientName}`);
  return service;
};

/** Asks before every attempt of every request of the client, the SDK's own repeats included, what shall become of it. */
export const interceptCalls = <Client>(client: Client, choose: Intercept): Client => {
  if (!hasMiddleware(client)) throw new Error('this is no SDK client');
  client.middlewareStack.add(
    (next, context) => {
      const service = serviceOf(context.clientName);
      const { commandName: command = '' } = context;
      let attempt = 0;
      return (args) => {
        attempt += 1;
        const { input, request: http } = args;
        const fault = choose({ service, command, input, attempt, http, request: context });
        return fault ? fault(() => next(args)) : next(args);
      };
    },
    { step: 'finalizeRequest', priority: 'low', name: 'interceptCalls' },
  );
  return client;
};

/** Requests of one command, counted from 1. Every attempt counts, the SDK's own too. */
export type Plan = (nth: number, input: unknown) => Fault | undefined;

/** `plans` by the name of the SDK's command, such as `TransactWriteItemsCommand`. */
export const injectFaults = <Client>(client: Client, plans: Readonly<Record<string, Plan>>): Client => {
  const counts = new Map<string, number>();
  return interceptCalls(client, ({ command, input }) => {
    const nth = (counts.get(command) ?? 0) + 1;
    counts.set(command, nth);
    return plans[command]?.(nth, input);
  });
};

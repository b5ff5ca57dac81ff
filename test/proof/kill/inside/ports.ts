/** The ports of every service with a point on both sides of each call. They stand in for the factories of the same names. */
import { kindOf } from '#events/envelope.ts';
import { dynamoRuntime as runtimeFrom } from '#platform/dynamodb/runtime.ts';
import { dynamoStore as storeFrom } from '#platform/dynamodb/store.ts';
import { s3Artifacts as artifactsFrom } from '#platform/s3/artifacts.ts';
import { wakeTopicArn as topicFrom } from '#platform/sns/wake-publisher.ts';
import { sqsClient as clientFrom } from '#platform/sqs/client.ts';
import { passing } from './points.ts';

const at =
  <Args extends unknown[], Answer>(
    name: string | ((...args: Args) => string),
    call: (...args: Args) => Promise<Answer>,
  ) =>
  (...args: Args): Promise<Answer> =>
    passing(typeof name === 'string' ? name : name(...args), () => call(...args));

/** The requests of one SDK client, each named after its command and, where `more` says so, what it is about. */
export const aroundClient = (client: unknown, name: string, more?: (input: object) => string): void => {
  if (!hasMiddleware(client)) throw new Error(`${name} is no SDK client`);
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) =>
        passing(`${name}.${commandName.replace('Command', '')}${more?.(args.input) ?? ''}`, () => next(args)),
    { step: 'initialize', name: 'points' },
  );
};

/** As much of an SDK client as is needed here; their own types differ in what they are asked. */
type Middleware = (
  next: (args: { input: object }) => Promise<unknown>,
  context: { commandName?: string },
) => (args: { input: object }) => Promise<unknown>;
type Stack = { readonly add: (middleware: Middleware, options: { step: 'initialize'; name: string }) => void };
const hasMiddleware = (client: unknown): client is { readonly middlewareStack: Stack } =>
  typeof client === 'object' && client !== null && 'middlewareStack' in client;

export const dynamoStore: typeof storeFrom = (options) => {
  const store = storeFrom(options);
  return {
    shards: store.shards,
    append: at((_stream, _expected, facts) => `store.append ${facts[0]?.type ?? ''}`, store.append),
    readStream: at('store.readStream', store.readStream),
    readRow: at((stream) => `store.readRow ${kindOf(stream)}`, store.readRow),
    markRow: at((stream) => `store.markRow ${kindOf(stream)}`, store.markRow),
    listRows: at((kind) => `store.listRows ${kind}`, store.listRows),
    readLog: at('store.readLog', store.readLog),
    readHead: at('store.readHead', store.readHead),
  };
};

export const dynamoRuntime: typeof runtimeFrom = (options) => {
  const runtime = runtimeFrom(options);
  return {
    fixShards: at('runtime.fixShards', runtime.fixShards),
    claimShard: at('runtime.claimShard', runtime.claimShard),
    rememberPosition: at('runtime.rememberPosition', runtime.rememberPosition),
    releaseShard: at('runtime.releaseShard', runtime.releaseShard),
    putNote: at('runtime.putNote', runtime.putNote),
    takeNote: at('runtime.takeNote', runtime.takeNote),
  };
};

export const s3Artifacts: typeof artifactsFrom = (options) => {
  const artifacts = artifactsFrom(options);
  return { put: at('artifacts.put', artifacts.put), get: at('artifacts.get', artifacts.get) };
};

/** The queue a request is about: one of the work queues, or the instance's own behind the wake topic. */
const queueOf = (input: object): string => {
  const name = 'QueueUrl' in input ? input.QueueUrl : 'QueueName' in input ? input.QueueName : '';
  return String(name).includes('-work-') ? ' work' : ' wake';
};

export const sqsClient: typeof clientFrom = () => {
  const client = clientFrom();
  aroundClient(client, 'sqs', queueOf);
  return client;
};

/** The topic's ARN is asked for with each client once before anything else is. */
export const wakeTopicArn: typeof topicFrom = (client, name) => {
  if (!client.middlewareStack.identify().some((each) => each.startsWith('points'))) aroundClient(client, 'sns');
  return topicFrom(client, name);
};

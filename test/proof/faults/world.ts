/** The services in one process, from their real parts, on clients that the cells can make faulty; beside them somebody whose requests always arrive. */
import assert from 'node:assert/strict';
import { GetQueueUrlCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { z } from 'zod';
import type { Role } from '#events/account.ts';
import { catalog } from '#events/catalog.ts';
import type { AccountId } from '#events/ids.ts';
import { TaskId, WorkerId } from '#events/ids.ts';
import { readConfig, storeConfig } from '#platform/config.ts';
import { connectWith } from '#platform/connect.ts';
import type { StoreClients } from '#platform/connect.ts';
import { dynamoClient } from '#platform/dynamodb/client.ts';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { eventPublisher } from '#platform/eventbridge/publisher.ts';
import type { PublishFacts } from '#platform/eventbridge/publisher.ts';
import { handler } from '#platform/handle.ts';
import { makeAccountId, makeKey } from '#platform/http/api-key.ts';
import { issueKey } from '#platform/http/keys-issue.ts';
import { listen } from '#platform/http/listen.ts';
import type { Log } from '#platform/log.ts';
import { s3Client } from '#platform/s3/client.ts';
import { shardOf } from '#platform/shard.ts';
import { snsClient } from '#platform/sns/client.ts';
import { sqsClient } from '#platform/sqs/client.ts';
import type { Origin, Store } from '#platform/store.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { startAws } from '#test/support/aws.ts';
import type { Aws } from '#test/support/aws.ts';
import { interceptCalls } from '#test/support/faulty-aws.ts';
import type { Intercept } from '#test/support/faulty-aws.ts';
import { scriptedAgents } from '#test/support/scripted-agent.ts';
import type { Script } from '#test/support/scripted-agent.ts';
import { apiConfig } from '../../../services/api/config.ts';
import { liveLimits, openApi } from '../../../services/api/service.ts';
import { region } from '../../../services/local/environment.ts';
import { relay, relaySubscription } from '../../../services/projector/relay.ts';
import { sharedShards } from '../../../services/projector/shards.ts';
import { openQueues } from '../../../services/worker/queues.ts';
import { createWorker } from '../../../services/worker/service.ts';
import type { Others } from './columns.ts';

export const shards = 4;
/** Of a work message nobody extends; ten times shorter than what is provisioned, and whole seconds. */
const visibilitySeconds = 6;

export type FaultyClients = StoreClients & { readonly eventBridge: EventBridgeClient } & Disposable;

/** Clients as the services make them, with `choose` asked before everything they send. */
export const clientsFor = ({ endpoints }: Aws, choose: Intercept, dynamoAttempts?: number): FaultyClients => {
  const config = { region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const more = dynamoAttempts === undefined ? {} : { maxAttempts: dynamoAttempts };
  const clients = {
    dynamodb: dynamoClient({ ...config, ...more, endpoint: endpoints.dynamodb }),
    sqs: sqsClient({ ...config, endpoint: endpoints.queues }),
    sns: snsClient({ ...config, endpoint: endpoints.queues }),
    s3: s3Client({ ...config, endpoint: endpoints.queues }),
    eventBridge: new EventBridgeClient({ ...config, endpoint: endpoints.json }),
  };
  Object.values(clients).forEach((client: unknown) => interceptCalls(client, choose));
  return {
    ...clients,
    [Symbol.dispose]: () => Object.values(clients).forEach((client) => client.destroy()),
  };
};

export type World = AsyncDisposable & {
  readonly aws: Aws;
  /** Of somebody whose requests always arrive. */
  readonly store: Store;
  readonly others: Others;
  readonly origin: Origin;
  readonly handleTask: ReturnType<typeof handlers>['task'];
  readonly handleSession: ReturnType<typeof handlers>['session'];
  readonly newKey: (role?: Role) => Promise<{ readonly key: string; readonly accountId: AccountId }>;
};

const handlers = (store: Store) => ({
  task: handler(catalog.task.decider, catalog.task.parseRow, store, Date.now),
  session: handler(catalog.session.decider, catalog.session.parseRow, store, Date.now),
  account: handler(catalog.account.decider, catalog.account.parseRow, store, Date.now),
});

export const origin: Origin = { actor: 'api:proof', correlationId: 'proof' };

const shortenVisibility = async ({ clients: { sqs }, names }: Aws): Promise<void> => {
  for (const QueueName of Object.values(names.workQueues)) {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
    const Attributes = { VisibilityTimeout: String(visibilitySeconds) };
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
  }
};

const othersIn = ({ task, account }: ReturnType<typeof handlers>): Others => ({
  takePosition: async (shard) => {
    let accountId = makeAccountId();
    while (shardOf(`account/${accountId}`, shards) !== shard) accountId = makeAccountId();
    const invited = await account(`account/${accountId}`, { type: 'invite', name: 'x', role: 'member' }, origin);
    assert.equal(invited.outcome, 'appended');
  },
  requestCancel: async (taskId) => {
    const id = TaskId.safeParse(taskId);
    return id.success && (await task(`task/${id.data}`, { type: 'request-cancel' }, origin)).outcome === 'appended';
  },
});

export const openWorld = async (): Promise<World> => {
  const aws = await startAws();
  await shortenVisibility(aws);
  const store = dynamoStore({ client: aws.clients.dynamodb, names: aws.names, shards, clock: Date.now });
  const handle = handlers(store);
  return {
    ...{ aws, store, origin, handleTask: handle.task, handleSession: handle.session },
    others: othersIn(handle),
    newKey: async (role = 'member') => {
      const accountId = makeAccountId();
      const made = makeKey(accountId);
      const issued = await issueKey({ accountId, name: 'x', role, key: made }, store, Date.now, origin);
      assert.equal(issued.outcome, 'appended');
      return { key: made.key, accountId };
    },
    [Symbol.asyncDispose]: () => aws[Symbol.asyncDispose](),
  };
};

const envOf = ({ env }: Aws) => ({ ...env, LOG_SHARDS: String(shards) });

/** What a service stands on, as its `main.ts` connects it. */
const connected = (aws: Aws, clients: StoreClients, service: string, log: Log, clock: () => number) =>
  connectWith(clients, { service, instanceId: uuidv7(Date.now()) }, readConfig(storeConfig, envOf(aws)), log, clock);

export type Given = {
  readonly aws: Aws;
  readonly clients: FaultyClients;
  readonly log: Log;
  readonly clock?: () => number;
  /** Puts something of the test's own in the place of the store. */
  readonly planted?: (store: Store) => Store;
};

/** The whole API on a port of its own. */
export const startApi = async ({ aws, clients, log, clock = Date.now, planted = (store) => store }: Given) => {
  await using opened = new AsyncDisposableStack();
  const { store, runtime, artifacts, onWake } = opened.use(await connected(aws, clients, 'api', log, clock));
  const many = { RATE_PER_SECOND: '1000000', SUBMITS_MAX: '1000' };
  const config = readConfig(apiConfig, { ...envOf(aws), ...many });
  const stop = new AbortController();
  const limits = { ...liveLimits, pollMs: 500 };
  const parts = { store: planted(store), notes: runtime, artifacts, onWake, clock, log, config, limits };
  const api = opened.use(await openApi(parts, stop.signal));
  const server = opened.use(
    await listen(api.app, { host: '127.0.0.1', port: 0, drainMs: 1_000, webSockets: api.webSockets }),
  );
  const held = opened.move();
  return {
    live: `${server.url.replace('http', 'ws')}/api/live`,
    /** Within the caller's own context, as no request over a socket is. */
    ask: async (method: string, path: string, { key, headers = {}, body }: Asking) =>
      api.app.request(
        path,
        {
          method,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        },
        {},
      ),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await held.disposeAsync();
    },
  };
};
export type Api = Awaited<ReturnType<typeof startApi>>;
export type Asking = {
  readonly key: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
};

/** Ends `run` when disposed, and tells what it ended with. */
const running = (run: (stop: AbortSignal) => Promise<void>) => {
  const stop = new AbortController();
  const ended = run(stop.signal);
  ended.catch(() => undefined);
  return {
    ended,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended.catch(() => undefined);
    },
  };
};

type RelayOptions = {
  readonly subscription?: string;
  /** Puts something of the test's own in the place of the publisher. */
  readonly publishWith?: (publish: PublishFacts) => PublishFacts;
};

/** The relay as the projector runs it. */
export const startRelay = async (
  { aws, clients, log, clock = Date.now }: Given,
  { subscription = relaySubscription, publishWith = (publish) => publish }: RelayOptions = {},
) => {
  await using opened = new AsyncDisposableStack();
  const { store, runtime, names, onWake } = opened.use(await connected(aws, clients, 'projector', log, clock));
  const publish = publishWith(eventPublisher({ client: clients.eventBridge, bus: names.bus }));
  const holder = uuidv7(Date.now());
  const leases = { runtime, holder, shards, log, subscription, leaseMs: 3_000 };
  const relayed = sharedShards(leases);
  const reading = { readLog: store.readLog, onWake, pollMs: 500, publish, log };
  const run = opened.use(running((stop) => relayed.run(relay(reading), stop)));
  const held = opened.move();
  return { ...run, held: relayed.held, [Symbol.asyncDispose]: () => held.disposeAsync() };
};

const settings = { sessionsMax: 12, idleMs: 1_000, tasksMax: 50, contextPercentMax: 90, spares: 0 };
const directories = {
  prepare: async (sessionId: string) => `/sessions/${sessionId}`,
  sweep: async () => 0,
};

/** A worker whose agents are scripts. */
export const startWorker = async (
  { aws, clients, log, clock = Date.now, planted = (store) => store }: Given,
  script: Script,
) => {
  await using opened = new AsyncDisposableStack();
  const connection = opened.use(await connected(aws, clients, 'worker', log, clock));
  const { artifacts, onWake, sqs, names } = connection;
  const { takeHint } = opened.use(await openQueues(sqs, names, log));
  const agents = scriptedAgents(script);
  const workerId = WorkerId.parse(uuidv7(Date.now()));
  const store = planted(connection.store);
  const worker = createWorker({
    ...{ workerId, store, artifacts, onWake, takeHint, settings, directories, clock, log },
    ...{ startAgent: agents.start, graceMs: 0 },
  });
  const run = opened.use(running(worker.run));
  const held = opened.move();
  return { ...run, agents, [Symbol.asyncDispose]: () => held.disposeAsync() };
};

export const TaskAnswer = z.looseObject({ taskId: TaskId, status: z.string(), version: z.int().optional() });

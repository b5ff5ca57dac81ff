/** The parts that no task names: starting, wakes, the queue of work, the relay. Each cell has clients of its own, and all they ask is its. */
import assert from 'node:assert/strict';
import { CreateQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { silent } from '#platform/log.ts';
import { wakePublisher, wakeTopicArn } from '#platform/sns/wake-publisher.ts';
import { openWakeQueue } from '#platform/sqs/wake-queue.ts';
import { workQueue } from '#platform/sqs/work-queue.ts';
import type { Wake } from '#platform/subscribe.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { eventually } from '#test/support/eventually.ts';
import type { FactName } from '#test/support/history.ts';
import { says } from '#test/support/scripted-agent.ts';
import { seedTask } from './api-rows.ts';
import type { Row } from './api-rows.ts';
import { createCells } from './cells.ts';
import type { Cell } from './cells.ts';
import type { Stage } from './client.ts';
import { allAnnounced } from './stored.ts';
import type { Attempts } from './watch.ts';
import { watching } from './watch.ts';
import { clientsFor, startApi, startRelay, startWorker } from './world.ts';

const given = ({ world }: Stage, cell: Cell, attempts: Attempts, announced: FactName[] = []) => {
  const seen = { cells: createCells(), attempts, announced };
  const clients = clientsFor(
    world.aws,
    watching(seen, world.aws.clients.sqs, (call) => cell.choose(call)),
  );
  return { aws: world.aws, clients, log: silent, [Symbol.dispose]: () => clients[Symbol.dispose]() };
};

/** What a supervisor does: a service that could not start is started again. */
const started = async <Service>(cell: Cell, start: () => Promise<Service>): Promise<Service> => {
  try {
    return await start();
  } catch {
    assert.ok(cell.struck > 0, 'it did not start although everything works');
    cell.disarm();
    return start();
  }
};

const startsApi = async (stage: Stage, cell: Cell, attempts: Attempts): Promise<void> => {
  using parts = given(stage, cell, attempts);
  const { key } = await stage.world.newKey();
  await using api = await started(cell, () => startApi(parts));
  cell.disarm();
  assert.equal((await api.ask('GET', '/api/tasks', { key })).status, 200);
};

/** It has started when it has looked for what is left; it has failed when it ends by itself. */
const startsWorker = async (stage: Stage, cell: Cell, attempts: Attempts): Promise<void> => {
  using parts = given(stage, cell, attempts);
  const start = async () => {
    const worker = await startWorker(parts, says('done'));
    const before = cell.asked.length;
    const hasLooked = () => cell.asked.slice(before).some(({ call }) => 'IndexName' in call.input) || undefined;
    try {
      await Promise.race([worker.ended, eventually(hasLooked, 'it does not look', 30_000)]);
      return worker;
    } catch (fault) {
      await worker[Symbol.asyncDispose]();
      throw fault;
    }
  };
  await using _worker = await started(cell, start);
};

const relays = async (stage: Stage, cell: Cell, attempts: Attempts): Promise<void> => {
  const announced: FactName[] = [];
  using parts = given(stage, cell, attempts, announced);
  const { accountId } = await stage.world.newKey();
  await seedTask(stage.world, accountId);
  {
    await using _relay = await started(cell, () => startRelay(parts, { subscription: uuidv7(Date.now()) }));
    await allAnnounced(stage.world.store, announced);
    await seedTask(stage.world, accountId);
    await allAnnounced(stage.world.store, announced);
  }
};

const wakes = async (stage: Stage, cell: Cell, attempts: Attempts): Promise<void> => {
  using parts = given(stage, cell, attempts);
  const { clients, log } = parts;
  const { names } = stage.world.aws;
  const instance = { names, instanceId: uuidv7(Date.now()), service: 'proof', log };
  await using queue = await started(cell, () => openWakeQueue({ ...clients, ...instance }));
  const topicArn = await started(cell, () => wakeTopicArn(clients.sns, names.wakeTopic));
  const heard: Wake[] = [];
  queue.onWake((wake) => heard.push(wake));
  await using publisher = wakePublisher({ client: clients.sns, topicArn, instanceId: 'other', coalesceMs: 20, log });
  const announce = (position: number) => publisher.announce({ shard: 77, position, stream: 'task/none', facts: [] });
  const hears = (wanted: number) => () => heard.some(({ position }) => position === wanted) || undefined;
  const first = Math.floor(Math.random() * 1e9);
  announce(first);
  // It may be lost; whoever listens goes on listening.
  await eventually(hears(first), 'lost', 2_000).catch(() => assert.ok(cell.struck > 0, 'a wake was lost by itself'));
  cell.disarm();
  announce(first + 1);
  await eventually(hears(first + 1), 'nobody listens any more', 15_000);
};

const bodyFor = (stream: string): string => JSON.stringify({ detail: { stream, version: 1, type: 'TaskSubmitted' } });

/** What was settled stays away; what was not comes again. */
const takes = async (stage: Stage, cell: Cell, attempts: Attempts): Promise<void> => {
  using parts = given(stage, cell, attempts);
  const { sqs } = stage.world.aws.clients;
  const name = { QueueName: `q-work-${uuidv7(Date.now())}`, Attributes: { VisibilityTimeout: '1' } };
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand(name));
  const stream = `task/${uuidv7(Date.now())}`;
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: bodyFor(stream) }));
  const options = { queueUrl: QueueUrl, priority: 'normal', log: silent } as const;
  const [struck, calm] = [workQueue({ ...options, sqs: parts.clients.sqs }), workQueue({ ...options, sqs })];
  const take = () => struck.receive(1).catch(() => undefined);
  const again = async () => (await take()) ?? (await take());
  const message = await eventually(again, 'the message is gone', 15_000);
  assert.equal(message.stream, stream);
  const fulfilled = (work: Promise<void>) => work.then(() => true).catch(() => false);
  const extended = await fulfilled(message.extend(1_000));
  const given1 = await fulfilled(message.giveBack(0));
  assert.ok(cell.struck > 0 || (extended && given1), 'it cannot be held or given back');
  const second = await eventually(again, 'it was given back and is gone', 15_000);
  const done = await fulfilled(second.done());
  const left = await calm.receive(2);
  if (done) assert.equal(left, undefined, 'what was done comes again');
  else assert.ok(cell.struck > 0);
};

export const partRows = (attempts: Attempts): readonly Row[] =>
  Object.entries({
    'API starts': startsApi,
    'worker starts': startsWorker,
    'relay starts and announces': relays,
    'wakes are told and heard': wakes,
    'work is taken, held, given back and done': takes,
  }).map(([name, run]) => ({ name, run: (stage, cell) => run(stage, cell, attempts) }));

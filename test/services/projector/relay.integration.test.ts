/** The projector as a process: what is stored is announced, whoever dies. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GetQueueUrlCommand } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import type { StreamId } from '#events/envelope.ts';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { jsonText } from '#platform/json.ts';
import { silent } from '#platform/log.ts';
import { wakePublisher, wakeTopicArn } from '#platform/sns/wake-publisher.ts';
import { workQueue } from '#platform/sqs/work-queue.ts';
import { startAws } from '#test/support/aws.ts';
import type { Aws } from '#test/support/aws.ts';
import { factsFor, newTask, rowFor } from '../../conformance/fixtures.ts';

const main = fileURLToPath(new URL('../../../services/projector/main.ts', import.meta.url));
const Started = jsonText(z.object({ event: z.literal('projector.started'), health: z.string() }));

let aws: Aws;
before(async () => {
  aws = await startAws();
});
after(() => aws[Symbol.asyncDispose]());

/** Resolves when it says that it has started. */
const startProjector = async () => {
  const env = { ...process.env, ...aws.env, PROJECTOR_HEALTH_PORT: '0', PROJECTOR_LEASE_MS: '1000' };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit').then(([code]: unknown[]) => code);
  const { promise: health, resolve } = Promise.withResolvers<string>();
  createInterface(child.stdout).on('line', (line) => {
    const started = Started.safeParse(line);
    if (started.success) resolve(started.data.health);
  });
  const end = (signal: 'SIGTERM' | 'SIGKILL') => {
    child.kill(signal);
    return exited;
  };
  await Promise.race([health, exited.then((code) => assert.fail(`it ended with ${String(code)} before it started`))]);
  const dispose = async (): Promise<void> => {
    await end('SIGKILL');
  };
  return { health: await health, end, [Symbol.asyncDispose]: dispose };
};

/** Stores tasks that wait for a worker, and wakes whoever listens. */
const openWriter = async () => {
  const { dynamodb: client, sns } = aws.clients;
  const topicArn = await wakeTopicArn(sns, aws.names.wakeTopic);
  const wakes = wakePublisher({ client: sns, topicArn, instanceId: 'writer', coalesceMs: 20, log: silent });
  const store = dynamoStore({ client, names: aws.names, shards: 16, clock: Date.now, onCommit: wakes.announce });
  const submit = async (): Promise<StreamId> => {
    const stream = newTask();
    const facts = factsFor(stream, 0, 1, { priority: 'high' }).map((fact) => ({ ...fact, type: 'TaskSubmitted' }));
    const { outcome } = await store.append(stream, 0, facts, { row: rowFor(stream) });
    assert.equal(outcome, 'appended');
    return stream;
  };
  return { submit, [Symbol.asyncDispose]: () => wakes[Symbol.asyncDispose]() };
};

/** Receives until every stream was announced; announcements of others are let go. */
const announced = async (streams: readonly StreamId[]): Promise<void> => {
  const QueueName = aws.names.workQueues.high;
  const { QueueUrl = '' } = await aws.clients.sqs.send(new GetQueueUrlCommand({ QueueName }));
  const queue = workQueue({ sqs: aws.clients.sqs, queueUrl: QueueUrl, priority: 'high', log: silent });
  const missing = new Set(streams);
  const deadline = performance.now() + 15_000;
  while (missing.size > 0 && performance.now() < deadline) {
    const message = await queue.receive(1);
    if (message) missing.delete(message.stream);
    await message?.done();
  }
  assert.deepEqual([...missing], []);
};

describe('the projector', () => {
  it('announces what was stored before it started, and what is stored while it runs without waiting for a poll', async () => {
    await using writer = await openWriter();
    const before = [await writer.submit(), await writer.submit()];
    await using _ = await startProjector();
    await announced(before);
    const since = performance.now();
    for (let count = 0; count < 5; count += 1) await announced([await writer.submit()]);
    // Polls alone, one every two seconds, would find five that follow one another in eight seconds at best.
    assert.ok(performance.now() - since < 6_000, 'only polls found them');
  });

  it('is replaced by another when it is killed, and nothing stays unannounced', async () => {
    await using writer = await openWriter();
    await using killed = await startProjector();
    await using _ = await startProjector();
    await announced([await writer.submit()]);
    const meanwhile: StreamId[] = [];
    for (let count = 0; count < 20; count += 1) {
      if (count === 10) await killed.end('SIGKILL');
      meanwhile.push(await writer.submit());
    }
    await announced(meanwhile);
  });

  it('says how many shards it holds, and ends with 0 when it is asked to', async () => {
    await using projector = await startProjector();
    const Health = z.object({ status: z.literal('ok'), shardsHeld: z.int() });
    const answer = await fetch(`${projector.health}/health`);
    assert.equal(Health.parse(await answer.json()).status, 'ok');
    assert.equal(await projector.end('SIGTERM'), 0);
  });
});

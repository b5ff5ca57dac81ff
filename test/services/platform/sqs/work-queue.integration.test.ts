/** Messages of the work queues as a real queue delivers them: held, extended, given back, put aside. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  GetQueueAttributesCommand,
  MessageNotInflight,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { silent } from '#platform/log.ts';
import { workQueue } from '#platform/sqs/work-queue.ts';
import { recordedLog } from '#test/support/recorded-log.ts';
import { startSqs } from '#test/support/sqs.ts';
import type { Sqs } from '#test/support/sqs.ts';

let opened: Sqs;
let sqs: SQSClient;
before(async () => {
  opened = await startSqs();
  ({ sqs } = opened);
});
after(() => opened[Symbol.asyncDispose]());

const makeQueue = (Attributes: Record<string, string> = {}) => opened.makeQueue(randomUUID(), Attributes);
const send = (QueueUrl: string, MessageBody: string) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));

/** An event as EventBridge delivers it, with more in it than a worker believes. */
const event = (version: number): string =>
  JSON.stringify({
    ...{ version: '0', id: randomUUID(), 'detail-type': 'TaskSubmitted', source: 'kiro-dispatch', time: '2026-01-01' },
    detail: { stream: 'task/1', version, type: 'TaskSubmitted', v: 1, traceparent: '00-a-b-01', priority: 'high' },
  });

describe('a message of a work queue', { concurrency: true }, () => {
  it('says where its fact stands, and how often it was received', async () => {
    const queueUrl = await makeQueue();
    const queue = workQueue({ sqs, queueUrl, priority: 'high', log: silent });
    await send(queueUrl, event(7));
    const first = await queue.receive(5);
    assert.ok(first);
    const { stream, version, type, traceparent, receives } = first;
    const expected = { stream: 'task/1', version: 7, type: 'TaskSubmitted', traceparent: '00-a-b-01', receives: 1 };
    assert.deepEqual({ stream, version, type, traceparent, receives }, expected);
    await first.giveBack(0);
    assert.equal((await queue.receive(5))?.receives, 2);
  });

  it('is nobody else’s while it is extended, and comes again when it no longer is', async () => {
    const queueUrl = await makeQueue({ VisibilityTimeout: '1' });
    const queue = workQueue({ sqs, queueUrl, priority: 'high', log: silent });
    await send(queueUrl, event(1));
    const message = await queue.receive(5);
    assert.ok(message);
    await message.extend(2_000);
    assert.equal(await queue.receive(1), undefined);
    assert.equal((await queue.receive(5))?.receives, 2);
  });

  it('is gone when it is done: it can be held no more, and giving it back changes nothing', async () => {
    const queueUrl = await makeQueue({ VisibilityTimeout: '1' });
    const queue = workQueue({ sqs, queueUrl, priority: 'high', log: silent });
    await send(queueUrl, event(1));
    const message = await queue.receive(5);
    assert.ok(message);
    await message.done();
    await assert.rejects(message.extend(1_000), MessageNotInflight);
    await message.giveBack(0);
    assert.equal(await queue.receive(2), undefined);
  });

  it('that is malformed is a dead letter after exactly five receives, and holds up no other', async () => {
    const deadUrl = await makeQueue();
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: deadUrl, AttributeNames: ['QueueArn'] }),
    );
    const redrive = { deadLetterTargetArn: Attributes?.['QueueArn'], maxReceiveCount: 5 };
    const queueUrl = await makeQueue({ RedrivePolicy: JSON.stringify(redrive) });
    const { log, entries } = recordedLog();
    const queue = workQueue({ sqs, queueUrl, priority: 'high', log });
    await send(queueUrl, '{"detail":{"stream":"no such kind/1"}}');
    for (const version of [1, 2, 3]) await send(queueUrl, event(version));
    const versions = [await queue.receive(0), await queue.receive(0), await queue.receive(0)].map((m) => m?.version);
    assert.deepEqual(versions.sort(), [1, 2, 3]);
    assert.equal(await queue.receive(6), undefined);
    assert.deepEqual(
      entries.map(({ event: name, fields }) => [name, fields['receives']]),
      [1, 2, 3, 4, 5].map((receives) => ['work.malformed', receives]),
    );
    const dead = await sqs.send(new ReceiveMessageCommand({ QueueUrl: deadUrl }));
    assert.equal(dead.Messages?.[0]?.Body, '{"detail":{"stream":"no such kind/1"}}');
  });
});

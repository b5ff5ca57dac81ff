/** Messages that were put aside, moved back to where they came from. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { redrive } from '#platform/sqs/redrive.ts';
import { startSqs } from '#test/support/sqs.ts';
import type { Sqs } from '#test/support/sqs.ts';

let opened: Sqs;
before(async () => void (opened = await startSqs()));
after(() => opened[Symbol.asyncDispose]());

const receiveAll = async (QueueUrl: string): Promise<string[]> => {
  const { Messages = [] } = await opened.sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 0 }),
  );
  return Messages.map(({ Body = '' }) => Body).sort();
};

describe('messages that were put aside', () => {
  it('are all moved back, each once, and nothing stays behind', async () => {
    const { sqs, makeQueue } = opened;
    const dead = await makeQueue('all-dead');
    const work = await makeQueue('all');
    const bodies = ['a', 'b', 'c', 'd', 'e'];
    for (const MessageBody of bodies) await sqs.send(new SendMessageCommand({ QueueUrl: dead, MessageBody }));
    assert.equal(await redrive(sqs, 'all-dead', 'all'), 5);
    assert.deepEqual(await receiveAll(work), bodies);
    assert.deepEqual(await receiveAll(dead), []);
    assert.equal(await redrive(sqs, 'all-dead', 'all'), 0);
  });

  it('and fail at once again stay aside: moving them comes to an end', async () => {
    // What is moved comes straight back under the id it was given, as when it fails faster than it is moved.
    const { sqs, makeQueue } = opened;
    const same = await makeQueue('circle');
    await sqs.send(new SendMessageCommand({ QueueUrl: same, MessageBody: 'again' }));
    assert.equal(await redrive(sqs, 'circle', 'circle'), 1);
  });
});

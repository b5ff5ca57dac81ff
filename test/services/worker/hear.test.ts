import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SessionId, TaskId } from '#events/ids.ts';
import type { StreamId } from '#events/envelope.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { stored } from '#test/support/given.ts';
import { hear } from '../../../services/worker/hear.ts';

const taskId = TaskId.parse(uuidv7(1));
const held = SessionId.parse(uuidv7(2));
const foreign = SessionId.parse(uuidv7(3));

const hearing = async (stream: StreamId, fact: { type: string; v: number }) => {
  const done: string[] = [];
  const deps = {
    runs: { cancel: (id: TaskId) => void done.push(`cancel ${id}`) },
    pool: {
      holds: (id: SessionId) => id === held,
      close: async (id: SessionId, reason: string) => void done.push(`close ${id} ${reason}`),
    },
    offers: { add: (offered: StreamId) => void done.push(`offer ${offered}`) },
  };
  await hear(deps, { shard: 0, position: 1, stream, facts: stored(stream, [fact]) });
  return done;
};

describe('what a worker hears in the log', () => {
  it('is the cancel of a task', async () => {
    const heard = await hearing(`task/${taskId}`, { type: 'TaskCancelRequested', v: 1 });
    assert.deepEqual(heard, [`cancel ${taskId}`]);
  });

  for (const type of ['TaskSubmitted', 'TaskRetried']) {
    it(`is the next prompt of a conversation that it holds (${type}), and no other`, async () => {
      const prompt = (more: object) => hearing(`task/${taskId}`, { type, v: 1, ...more });
      assert.deepEqual(await prompt({ sessionId: held }), [`offer task/${taskId}`]);
      assert.deepEqual(await prompt({ sessionId: foreign }), []);
      assert.deepEqual(await prompt({}), []);
    });
  }

  it("is that the owner closed a session; closings of other reasons are its own or nobody else's business", async () => {
    const closing = (reason: string) => hearing(`session/${held}`, { type: 'SessionClosed', v: 1, ...{ reason } });
    assert.deepEqual(await closing('requested'), [`close ${held} requested`]);
    assert.deepEqual(await closing('idle'), []);
  });
});

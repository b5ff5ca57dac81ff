/** What a process remembers of its own commits: never anything that the log would not say. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commitMemory } from '#platform/dynamodb/commit-memory.ts';
import { stored } from '#test/support/given.ts';
import { taskId } from '#test/support/ids.ts';

const stream = `task/${taskId(1)}` as const;
const facts = stored(stream, [{ type: 'TaskSubmitted', v: 1 }]);
const text = JSON.stringify(facts);
const commitAt = (position: number) => ({ shard: 3, position, stream, facts });

const remembering = (...positions: readonly number[]) => {
  const memory = commitMemory();
  for (const position of positions) memory.remember({ shard: 3, position, stream }, text);
  return memory;
};

describe('the memory of own commits', () => {
  it('gives what comes right after, in order, up to the first commit that is not ours', () => {
    assert.deepEqual(remembering(5, 6, 8).recall(3, 4, 10), [commitAt(5), commitAt(6)]);
  });

  it('says nothing where the next commit is another writer’s, or in another shard', () => {
    assert.deepEqual(remembering(6).recall(3, 4, 10), []);
    assert.deepEqual(remembering(5).recall(2, 4, 10), []);
  });

  it('gives no more than was asked for', () => {
    assert.deepEqual(remembering(5, 6).recall(3, 4, 1), [commitAt(5)]);
  });

  it('gives the same again to a second reader that stands at the same place', () => {
    const memory = remembering(5);
    memory.recall(3, 4, 10);
    assert.deepEqual(memory.recall(3, 4, 10), [commitAt(5)]);
  });

  it('forgets what readers have passed, the oldest of many, and what is large', () => {
    const memory = remembering(5, 6);
    memory.recall(3, 6, 10);
    assert.deepEqual(memory.recall(3, 4, 10), []);
    const many = remembering(...Array.from({ length: 33 }, (_, n) => n + 1));
    assert.deepEqual(many.recall(3, 0, 10), []);
    assert.equal(many.recall(3, 1, 100).length, 32);
    const large = commitMemory();
    large.remember({ shard: 3, position: 5, stream }, text.padEnd(16_385));
    assert.deepEqual(large.recall(3, 4, 10), []);
  });
});

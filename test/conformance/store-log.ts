/** Streams and log: everything that was committed is read, once, in order, from wherever the reader is. */
import assert from 'node:assert/strict';
import { commitBytesMax } from '#platform/append-check.ts';
import type { Commit, StoredFact } from '#platform/store.ts';
import { append, commitOf, factsFor, newTask, rowFor, wholeLog } from './fixtures.ts';
import type { It, OpenStore } from './fixtures.ts';

export const logTests = (it: It, open: OpenStore): void => {
  it('positions are dense however many instances append, and a reader that follows misses nothing', async () => {
    const { store, another } = await open({ shards: 2 });
    const writers = [store, another(), another(), another()];
    let writing = true;
    const follow = async (shard: number): Promise<Commit[]> => {
      const reader = another();
      const seen: Commit[] = [];
      for (let more = true; more;) {
        // Asked before reading: what was written by then is read by now.
        more = writing;
        const commits = await reader.readLog(shard, seen.length, 7);
        seen.push(...commits);
        more ||= commits.length > 0;
      }
      return seen;
    };
    const followers = [follow(0), follow(1)];
    const written = await Promise.all(
      writers.map(async (writer) => {
        const commits: Commit[] = [];
        for (let count = 0; count < 25; count += 1) commits.push(commitOf(await append(writer, newTask(), 0)));
        return commits;
      }),
    ).finally(() => {
      writing = false;
    });
    const seen = await Promise.all(followers);
    for (const [shard, commits] of seen.entries()) {
      assert.deepEqual(
        commits.map(({ position }) => position),
        commits.map((_, index) => index + 1),
      );
      assert.equal(await store.readHead(shard), commits.length);
    }
    const byStream = (a: Commit, b: Commit) => (a.stream < b.stream ? -1 : 1);
    assert.deepEqual(seen.flat().sort(byStream), written.flat().sort(byStream));
  });

  it('a stream of 1,000 facts is read whole, in parts, and from its middle', async () => {
    const { store } = await open();
    const stream = newTask();
    const facts: StoredFact[] = [];
    while (facts.length < 1_000) {
      const some = factsFor(stream, facts.length, Math.min(90, 1_000 - facts.length));
      commitOf(await store.append(stream, facts.length, some, { row: rowFor(stream, { seq: facts.length }) }));
      facts.push(...some);
    }
    assert.deepEqual(await store.readStream(stream, 0), facts);
    assert.deepEqual(await store.readStream(stream, 700, 20), facts.slice(700, 720));
    assert.deepEqual(await store.readStream(stream, 990, 20), facts.slice(990));
    assert.deepEqual(await store.readStream(stream, 1_000), []);
    assert.equal((await store.readRow(stream))?.version, 1_000);
  });

  it('a stream and a log that are larger than a page of DynamoDB are read past it', async () => {
    const { store } = await open({ shards: 1 });
    const stream = newTask();
    const commits: Commit[] = [];
    for (let version = 0; version < 18; version += 3) {
      const facts = factsFor(stream, version, 3, { text: 'x'.repeat(commitBytesMax / 3 - 400) });
      commits.push(commitOf(await store.append(stream, version, facts, { row: rowFor(stream) })));
    }
    assert.deepEqual(
      await store.readStream(stream, 0),
      commits.flatMap(({ facts }) => facts),
    );
    assert.deepEqual(await store.readLog(0, 0), commits);
    assert.deepEqual(await store.readLog(0, 0, 5), commits.slice(0, 5));
    assert.deepEqual(await store.readLog(0, 4), commits.slice(4));
  });

  it('the log of a shard holds the commits of its streams and nothing else', async () => {
    const { store } = await open({ shards: 4 });
    const tasks = Array.from({ length: 12 }, () => newTask());
    const commits = await Promise.all(tasks.map(async (task) => commitOf(await append(store, task, 0))));
    for (const { shard, position, stream } of commits) {
      const [commit] = await store.readLog(shard, position - 1, 1);
      assert.equal(commit?.stream, stream);
    }
    assert.equal((await wholeLog(store)).length, 12);
    assert.deepEqual(await store.readLog(0, 1_000), []);
  });

  it('an empty shard has head 0 and no commits', async () => {
    const { store } = await open({ shards: 1 });
    assert.equal(await store.readHead(0), 0);
    assert.deepEqual(await store.readLog(0, 0), []);
  });
};

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { byEffort, printCounts } from '#test/proof/effort.ts';
import { eventually } from '#test/support/eventually.ts';
import { startSystem, temporaryDir } from '#test/support/system.ts';
import type { DataDir, System } from '#test/support/system.ts';
import { openQueuesOf, wordOf } from './poison.ts';

const receivesMax = 5;

/** Bodies that are no word of a fact. */
const malformed = [
  'not JSON at all',
  '{}',
  '{"detail":{"stream":"no such kind/1","version":1,"type":"TaskSubmitted"}}',
  '{"detail":{"stream":"task/01999999-0000-7000-8000-000000000001","version":-1,"type":"TaskSubmitted"}}',
  `{"detail":${'['.repeat(1_000)}${']'.repeat(1_000)}}`,
  '{"detail":{"__proto__":{"stream":"task/1","version":1,"type":"TaskSubmitted"}}}',
];

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

describe('a message that nobody can work on', () => {
  let dir: DataDir;
  let system: System;
  let queues: Awaited<ReturnType<typeof openQueuesOf>>;
  before(async () => {
    dir = await temporaryDir();
    system = await startSystem(dir.path, { RATE_PER_SECOND: '1000' });
    queues = await openQueuesOf(dir.path);
  });
  after(async () => {
    queues[Symbol.dispose]();
    await system[Symbol.asyncDispose]();
    await dir[Symbol.asyncDispose]();
  });

  const deadAre = (count: number) =>
    eventually(
      async () => (await queues.dead()).length === count || undefined,
      `there are not ${count} messages in the dead-letter queue`,
      60_000,
    );

  const timed = async (count: number): Promise<number[]> => {
    const took: number[] = [];
    for (let n = 0; n < count; n += 1) {
      const from = performance.now();
      const task = await system.outcome(await system.submit(`reverse number ${n}`));
      assert.equal(task.status, 'completed');
      took.push(performance.now() - from);
    }
    return took.sort((a, b) => a - b);
  };

  it('is put aside after exactly five receives, and its neighbours take no longer for it', async (t) => {
    await timed(20);
    const rounds = byEffort({ ci: 2, full: 10 });
    const quiet: number[] = [];
    const beside: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      quiet.push(...(await timed(40)));
      for (const body of malformed) await queues.send(body);
      beside.push(...(await timed(40)));
      const expected = malformed.length * (round + 1);
      await deadAre(expected);
    }
    const receives = queues.logged().flatMap((line) => (line.event === 'work.malformed' ? [line.receives] : []));
    for (let nth = 1; nth <= receivesMax; nth += 1) {
      assert.equal(
        receives.filter((count) => count === nth).length,
        malformed.length * rounds,
        `received ${nth} times`,
      );
    }
    assert.equal(receives.length, malformed.length * rounds * receivesMax);
    const ratioAt = (share: number): number =>
      percentile(
        beside.sort((a, b) => a - b),
        share,
      ) /
      percentile(
        quiet.sort((a, b) => a - b),
        share,
      );
    printCounts(t, {
      poisoned: malformed.length * rounds,
      receives: receives.length,
      neighbours: beside.length,
      'median against quiet': ratioAt(0.5).toFixed(2),
      'p99 against quiet': ratioAt(0.99).toFixed(2),
    });
    assert.ok(ratioAt(0.5) < 1.1, `beside poison a task takes ${ratioAt(0.5).toFixed(2)} times as long`);
  });

  it('that names a stored task nobody can read is put aside as well, told, and worked on when it was mended and moved back', async (t) => {
    const before = (await queues.dead()).length;
    const taskId = await queues.submitUnreadable();
    const stream = `task/${taskId}`;
    await deadAre(before + 1);
    const faults = queues.logged().filter((line) => line.event === 'task.not-dispatched' && line.stream === stream);
    assert.equal(faults.length, receivesMax);

    await queues.mend(taskId);
    const moved = await queues.redrive();
    assert.equal(moved, before + 1);
    assert.equal((await system.outcome(taskId)).status, 'completed');
    printCounts(t, { receives: faults.length, 'moved back': moved });
    // What was not mended ends where it was.
    await deadAre(before);
  });

  it('that names a stream that does not exist, or a task that is over, is done at once', async () => {
    const over = await system.submit('reverse this');
    await system.outcome(over);
    const before = (await queues.dead()).length;
    await queues.send(wordOf(`task/${over}`, 99));
    await queues.send(wordOf('task/01999999-0000-7000-8000-000000000009'));
    const said = () =>
      queues
        .logged()
        .filter(({ event, stream = '' }) => event === 'hint.dispatched' && stream.endsWith('000000000009'));
    await eventually(() => said().length === 1 || undefined, 'it was not looked at');
    await system.outcome(await system.submit('reverse this as well'));
    assert.equal(said().length, 1);
    assert.equal((await queues.dead()).length, before);
  });

  it('is counted: with a queue that gives it three chances this programme counts three', async () => {
    const aside = (await queues.dead()).length;
    const seen = queues.logged().filter(({ event }) => event === 'work.malformed').length;
    await queues.giveChances(3);
    await queues.send('not JSON either');
    await deadAre(aside + 1);
    assert.equal(queues.logged().filter(({ event }) => event === 'work.malformed').length - seen, 3);
    await queues.giveChances(receivesMax);
  });
});

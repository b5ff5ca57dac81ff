/**
 * The promise of the log, put to the test with real processes: several writers append at once, readers are killed with
 * SIGKILL (by turns between a commit's work and its being noted, and at any moment) and started again, and of the wakes
 * many are lost, late or doubled.
 *
 * Nothing is missed: in the end every acknowledged append stands in a sink, per shard as 1..n in this order.
 *
 * Nothing is applied twice by effect. A killed reader is given a commit again, as the sightings show; no log can spare
 * it that. What a log makes possible is to write the effect and the cursor together, and each sink does so in one
 * transaction: an effect is there exactly if the cursor is past it, so a reader that starts at the cursor does again
 * only what is not there. The sink has no key that could hide a second effect; they are counted.
 *
 * The control: the same harness with a reader of a time-ordered index of the same rows. An append is given its time
 * before it is committed, so it can appear behind a reader that has gone on. If that reader missed nothing either, the
 * test would have proved nothing.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { count } from '#platform/config.ts';
import { startAws } from '#test/support/aws.ts';
import { run } from './missed-nothing/harness.ts';
import type { Acknowledged } from './missed-nothing/messages.ts';
import { openSink } from './missed-nothing/sink.ts';

const appends = count.default(10_000).parse(process.env['APPENDS']);
const shards = Array.from({ length: 16 }, (_, shard) => shard);

const openDir = async () => {
  const path = await mkdtemp(join(tmpdir(), 'missed-nothing-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
};
const streamsOf = (acknowledged: readonly Acknowledged[]): Set<string> =>
  new Set(acknowledged.map(({ stream }) => stream));

describe(`${appends} appends by four processes`, () => {
  it('are all applied, in order and once, by readers of the log that die and come back', async (t) => {
    await using aws = await startAws();
    await using dir = await openDir();
    const readers = [shards.slice(0, 8), shards.slice(8)].map((mine, nth) => ({
      sink: join(dir.path, `${nth}.db`),
      shards: mine,
    }));
    const complete = (acknowledged: readonly Acknowledged[]): number => acknowledged.length;
    const plan = { env: aws.env, appends, writers: 4, program: 'log-reader.ts', readers, complete } as const;
    const { acknowledged, deaths } = await run({ ...plan, quietMs: 15_000 });

    assert.equal(acknowledged.length, appends);
    const placed = new Map(acknowledged.map(({ shard, position, stream }) => [`${shard}:${position}`, stream]));
    let sightings = 0;
    for (const reader of readers) {
      using sink = openSink(reader.sink);
      const effects = sink.effects();
      sightings += sink.sightings();
      for (const shard of reader.shards) {
        const applied = effects.filter((effect) => effect.shard === shard);
        const written = acknowledged.filter((append) => append.shard === shard).length;
        assert.deepEqual(
          applied.map(({ position }) => position),
          Array.from({ length: written }, (_, index) => index + 1),
        );
        for (const { position, stream } of applied) assert.equal(stream, placed.get(`${shard}:${position}`));
      }
    }
    t.diagnostic(`${deaths} deaths of readers, ${sightings - appends} commits seen again`);
    assert.ok(deaths > 0 && sightings > appends, 'no death came between a commit and its note: nothing was tested');
  });

  it('are in part missed by a reader of a time-ordered index: this test can tell', async (t) => {
    await using aws = await startAws();
    await using dir = await openDir();
    const sinkPath = join(dir.path, 'index.db');
    const { acknowledged } = await run({
      env: aws.env,
      appends: Math.min(appends, 1_500),
      writers: 4,
      program: 'index-reader.ts',
      readers: [{ sink: sinkPath, shards: [] }],
      complete: (all) => streamsOf(all).size,
      quietMs: 3_000,
    });
    using sink = openSink(sinkPath);
    const found = new Set<string>(sink.effects().map(({ stream }) => stream));
    const streams = streamsOf(acknowledged);
    const missed = [...streams].filter((stream) => !found.has(stream)).length;
    t.diagnostic(`${missed} of ${streams.size} streams missed`);
    assert.ok(found.size > 0 && missed > 0, `it missed ${missed} of ${streams.size}`);
  });
});

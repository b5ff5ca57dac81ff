import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startProcess } from '#platform/agent/process.ts';

// As `--expose-gc` does, with which a worker is started.
setFlagsFromString('--expose-gc');
Reflect.set(globalThis, 'gc', runInNewContext('gc'));

const mebibyte = 1024 * 1024;

/** Reads all that the shell script writes; tells the lines, what was dropped, and how much the memory grew at most. */
const drain = async (script: string) => {
  const spec = { command: 'sh', args: ['-c', script], cwd: tmpdir() };
  await using started = await startProcess(spec, { env: process.env, stopGraceMs: 100 });
  const atFirst = process.memoryUsage.rss();
  let [lines, dropped, grown] = [0, 0, 0];
  for await (const batch of started.stdout) {
    lines += batch.lines.length;
    dropped += batch.dropped;
    grown = Math.max(grown, process.memoryUsage.rss() - atFirst);
  }
  return { lines, dropped, grown: Math.round(grown / mebibyte), stderr: started.stderr() };
};

// What the collector lets pile up before it first runs is the same for every program that reads a pipe.
before(() => drain(`yes 0123456 | head -c ${64 * mebibyte}`));

test('256 MiB without a newline are dropped and reported, and cost less than 64 MiB', async () => {
  const { lines, dropped, grown } = await drain(`head -c ${256 * mebibyte} /dev/zero | tr '\\0' x; echo; echo after`);
  assert.deepEqual([lines, dropped], [1, 1]);
  assert.ok(grown < 64, `grew by ${grown} MiB`);
});

test('128 MiB of short lines are all read, and cost less than 64 MiB', async () => {
  const { lines, grown } = await drain(`yes 0123456 | head -c ${128 * mebibyte}`);
  assert.equal(lines, 16 * mebibyte);
  assert.ok(grown < 64, `grew by ${grown} MiB`);
});

test('64 MiB on stderr are kept as their first and last 128 KiB', async () => {
  const { stderr, grown } = await drain(`(echo first; yes | head -c ${64 * mebibyte}; echo last) >&2`);
  assert.ok(stderr.startsWith('first\n') && stderr.endsWith('last\n'));
  assert.ok(stderr.length < 257 * 1024);
  assert.ok(grown < 64, `grew by ${grown} MiB`);
});

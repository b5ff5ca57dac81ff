import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { hostIsolation } from '#platform/agent/isolation.ts';
import type { Isolation } from '#platform/agent/isolation.ts';
import { sweepLeftovers } from '#platform/agent/leftovers.ts';
import { startProcess } from '#platform/agent/process.ts';
import type { AgentProcess } from '#platform/agent/process.ts';
import { carriersOf, until } from '#test/support/processes.ts';

const programs = join(import.meta.dirname, 'programs');
const directory = mkdtempSync(join(tmpdir(), 'kiro-process-'));
after(() => rmSync(directory, { recursive: true }));

const isolations: readonly Isolation[] = (await hostIsolation()) === 'namespace' ? ['namespace', 'group'] : ['group'];

const start = (isolation: Isolation, command: string, args: readonly string[], stopGraceMs = 300) =>
  startProcess({ command, args, cwd: directory }, { env: process.env, isolation, stopGraceMs });

const shell = (isolation: Isolation, script: string, stopGraceMs?: number) =>
  start(isolation, 'sh', ['-c', script], stopGraceMs);

/** Reads on to the end in the background; resolves at the line. */
const heard = (started: AgentProcess, wanted: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const read = async () => {
      for await (const { lines } of started.stdout) if (lines.includes(wanted)) resolve();
      reject(new Error(`never said ${wanted}; stderr: ${started.stderr()}`));
    };
    read().catch(reject);
  });

for (const isolation of isolations) {
  describe(`a process kept together by its ${isolation}`, () => {
    it('leaves no survivor although it ignores SIGTERM, forks twice, leaves its group and empties its environment', async () => {
      await using started = await start(isolation, 'sh', [join(programs, 'stubborn.sh')]);
      await heard(started, 'ready');
      await until(() => carriersOf(started.marker).length >= 4, 'the descendants never came up');
      await until(() => sleepers().length === 1, 'the one with the empty environment never came up');
      const report = await started.stop();
      assert.deepEqual(report.stages, ['sigterm', 'sigkill']);
      assert.deepEqual(carriersOf(started.marker), []);
      assert.deepEqual(sleepers(), []);
      assert.ok(report.durationMs < 3_000, `took ${report.durationMs} ms`);
      assert.deepEqual(await started.exited, { outcome: 'stopped' });
      assert.equal(await started.stop(), await started.stop());
    });

    it('lets what it started put its work away after SIGTERM, also when its front end dies at once', async () => {
      const done = join(directory, `done-${isolation}`);
      const server = `trap 'sleep 0.3; touch ${done}; exit 0' TERM; echo ready; while :; do sleep 0.05; done`;
      await using started = await shell(isolation, `sh -c '${server.replaceAll("'", '"')}' & wait`, 5_000);
      await heard(started, 'ready');
      assert.deepEqual((await started.stop()).stages, ['sigterm']);
      assert.ok(readdirSync(directory).includes(`done-${isolation}`));
    });

    it('takes its descendants with it when it ends by itself', async () => {
      await using started = await shell(isolation, 'setsid sleep 1000 & read -r go; exit 7');
      await until(() => carriersOf(started.marker).length >= 2, 'the descendant never came up');
      started.stdin.write('go\n');
      assert.deepEqual(await started.exited, { outcome: 'exited', code: 7 });
      await until(() => carriersOf(started.marker).length === 0, 'the descendant lives on');
      assert.equal((await started.stop()).stages.includes('sigterm'), false);
    });

    it('tells the signal that ended it', async () => {
      await using started = await shell(isolation, 'kill -SEGV $$');
      assert.deepEqual(await started.exited, { outcome: 'killed', signal: 'SIGSEGV' });
    });

    it('leaves no survivor when its starter is killed with SIGKILL', async () => {
      const records = join(directory, `records-${isolation}`);
      const args = [join(programs, 'starter.ts'), isolation, records, 'sh', join(programs, 'stubborn.sh')];
      const starter = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const chunks: unknown[] = await once(starter.stdout, 'data', { signal: AbortSignal.timeout(20_000) });
      const marker = String(chunks[0]).trim();
      await until(() => carriersOf(marker).length >= 4, 'the descendants never came up');
      await until(() => sleepers().length === 1, 'the one with the empty environment never came up');
      starter.kill('SIGKILL');
      await until(() => carriersOf(marker).length === 0, `processes ${carriersOf(marker).join(', ')} live on`);
      await until(() => sleepers().length === 0, 'the one with the empty environment lives on');
      assert.equal(await sweepLeftovers(records), 0);
      assert.deepEqual(readdirSync(records), []);
    });

    it('sees of our environment only what is allowed', async () => {
      process.env['AWS_SECRET_ACCESS_KEY'] = 'not-a-real-one';
      await using started = await shell(isolation, 'env; exit 0');
      delete process.env['AWS_SECRET_ACCESS_KEY'];
      const said: string[] = [];
      for await (const { lines } of started.stdout) said.push(...lines);
      assert.ok(said.includes(`KIRO_DISPATCH_RUN=${started.marker}`));
      assert.equal(said.join('\n').includes('not-a-real-one'), false);
    });
  });
}

/** The part of `stubborn.sh` that no marker betrays. */
const sleepers = () => readdirSync('/proc').filter((pid) => commandOf(pid) === 'sleep 987654');

const commandOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  } catch {
    return '';
  }
};

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sweepLeftovers } from '#platform/agent/leftovers.ts';
import { identify } from '#platform/agent/process-tree.ts';
import { carriersOf } from '#test/support/processes.ts';

const directory = mkdtempSync(join(tmpdir(), 'kiro-leftovers-'));
after(() => rmSync(directory, { recursive: true }));

/** Stands for an agent whose starter was killed: it runs, and its marker is in its environment unless it hid it. */
const leave = async (marker: string, hidden = false) => {
  const env = hidden ? {} : { KIRO_DISPATCH_RUN: marker };
  const child = spawn('/bin/sleep', ['1000'], { detached: true, env, stdio: 'ignore' });
  await once(child, 'spawn');
  return { child, pid: child.pid ?? 0, exited: once(child, 'exit') };
};
const nobody = { pid: 2 ** 22 + 1, startTime: '1' };
const record = (marker: string, fields: object) =>
  writeFileSync(join(directory, `${marker}.json`), JSON.stringify({ marker, ...fields }));

test('the sweep at start kills what a killed starter left, by its marker alone or by its pid and start time', async () => {
  const [marked, hidden] = [randomUUID(), randomUUID()];
  const first = await leave(marked);
  const second = await leave(hidden, true);
  record(marked, { starter: nobody });
  record(hidden, { starter: nobody, root: identify(second.pid) });
  assert.equal(await sweepLeftovers(directory), 2);
  await Promise.all([first.exited, second.exited]);
  assert.deepEqual(carriersOf(marked), []);
  assert.deepEqual(readdirSync(directory), []);
});

test('the sweep leaves alone what another living starter runs, and a process that was given a recorded pid', async () => {
  const [others, reused] = [randomUUID(), randomUUID()];
  const running = await leave(others);
  const innocent = await leave(randomUUID());
  record(others, { starter: identify(process.pid), root: identify(running.pid) });
  record(reused, { starter: nobody, root: { pid: innocent.pid, startTime: '1' } });
  writeFileSync(join(directory, 'cut-short.json'), '{"marker":"');
  assert.equal(await sweepLeftovers(directory), 0);
  assert.deepEqual(carriersOf(others), [running.pid]);
  assert.notEqual(identify(innocent.pid), undefined);
  assert.deepEqual(readdirSync(directory), [`${others}.json`]);
  running.child.kill('SIGKILL');
  innocent.child.kill('SIGKILL');
  await Promise.all([running.exited, innocent.exited]);
});

test('a directory that does not exist yet has nothing to sweep', async () => {
  assert.equal(await sweepLeftovers(join(directory, 'none')), 0);
});

/** The services of a running system as processes, and how many descriptors they may have. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { System } from '#test/support/system.ts';

export const pidOf = (system: System, service: 'api' | 'worker' | 'projector'): number => {
  const pid = system
    .processes()
    .find((each) => readFileSync(`/proc/${each}/cmdline`, 'latin1').includes(`services/${service}/main.ts`));
  assert.ok(pid, `there is no ${service}`);
  return pid;
};

const limit = (pid: number, descriptors: string): void => {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--nofile=${descriptors}`], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
};

/** Leaves the process this many descriptors beside those it has open, until it is disposed. */
export const shortOfDescriptors = (pid: number, spare: number): Disposable => {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  // The limit is a number that every new descriptor must be below, and there are gaps between those that are open.
  let end = 0;
  for (let free = 0; free < spare; end += 1) if (!open.has(end)) free += 1;
  const [, before = '1024'] = /Max open files\s+(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8')) ?? [];
  // Only the soft limit, which the process could raise again and does not.
  limit(pid, `${end}:`);
  return { [Symbol.dispose]: () => limit(pid, `${before}:`) };
};

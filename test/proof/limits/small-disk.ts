/** A system whose data are on a disk of a few megabytes, in a mount namespace of its own; needs no privileges. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { startSystem } from '#test/support/system.ts';
import type { System } from '#test/support/system.ts';

const blockBytes = 64 * 1024;

/** Mounts something over a directory, which is `$0` to it, and becomes the command after it. */
const mounting = (mount: string, directory: string): readonly string[] => [
  ...['unshare', '--user', '--map-root-user', '--mount', '--propagation', 'private'],
  ...['sh', '-c', `${mount} && exec "$@"`, directory],
];

export const startOnSmallDisk = (dataDir: string, megabytes: number, env: Record<string, string>): Promise<System> =>
  startSystem(dataDir, env, mounting(`mount -t tmpfs -o size=${megabytes}m tmpfs "$0"`, dataDir));

export const readOnly = (directory: string): readonly string[] =>
  mounting('mount -t tmpfs -o ro tmpfs "$0"', directory);

/** Runs a command where the system sees its own mounts. */
const within = ({ data }: System, ...command: readonly string[]): void => {
  const [, pid = ''] = /^\/proc\/(\d+)\//.exec(data) ?? [];
  const enter = ['--target', pid, '--user', '--mount', '--preserve-credentials', '--', ...command];
  const { status, stderr } = spawnSync('nsenter', enter, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
};

/** From now on nothing can be written in the directory. */
export const protect = (system: System, directory: string): void => {
  within(system, 'mount', '--bind', directory, directory);
  within(system, 'mount', '-o', 'remount,ro,bind', directory);
};
export const unprotect = (system: System, directory: string): void => within(system, 'umount', directory);

export const freeBytes = (directory: string): number => {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
};

/** Takes all the room there is; `free` gives it back. */
export const fillDisk = async (directory: string): Promise<{ readonly free: () => void }> => {
  const path = join(directory, 'full-of-nothing');
  const file = await open(path, 'w');
  try {
    const block = Buffer.alloc(blockBytes, 'x');
    for (;;) await file.write(block);
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault && fault.code === 'ENOSPC')) throw fault;
  } finally {
    await file.close();
  }
  // What is left of the last block, to the byte.
  for (let rest = 4_096; rest >= 1; rest = Math.floor(rest / 2)) {
    try {
      writeFileSync(`${path}-${rest}`, Buffer.alloc(rest, 'x'));
    } catch {
      // There is no room even for this.
    }
  }
  return {
    free: () => {
      rmSync(path);
      for (let rest = 4_096; rest >= 1; rest = Math.floor(rest / 2)) rmSync(`${path}-${rest}`, { force: true });
    },
  };
};

/** The directory that everything is kept in: made, checked, and held by one run at a time. */
import { mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import { StartFault } from '#platform/lifetime.ts';

const Holder = jsonText(z.object({ pid: z.int(), since: z.string() }));

/** Below this the databases would soon fail in the middle of something. */
const bytesMin = 64 * 1_048_576;

const holderOf = (path: string): string => {
  try {
    const { pid, since } = Holder.parse(readFileSync(path, 'utf8'));
    return ` (pid ${pid}, since ${since})`;
  } catch {
    return '';
  }
};

const isBusy = (fault: unknown): boolean =>
  fault instanceof Error && 'errcode' in fault && (fault.errcode === 5 || fault.errcode === 6);

/**
 * Holds `directory` until it is disposed or this process dies: the lock is the kernel's, on a file that stays, so a run
 * that was killed leaves nothing that has to be recognised as stale. What the holder is called stands beside it.
 */
export const holdDataDir = (directory: string, freeBytesMin = bytesMin): Disposable => {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = statfsSync(directory);
    if (bavail * bsize < freeBytesMin) {
      const free = Math.floor((bavail * bsize) / 1_048_576);
      throw new StartFault(`Only ${free} MiB are free where ${directory} is; make room, or set DATA_DIR elsewhere.`);
    }
    const holder = join(directory, 'run.json');
    const lock = new DatabaseSync(join(directory, 'run.lock'));
    try {
      lock.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE');
    } catch (fault) {
      lock.close();
      if (!isBusy(fault)) throw fault;
      throw new StartFault(`kiro-dispatch is already running on ${directory}${holderOf(holder)}.`, { cause: fault });
    }
    writeFileSync(holder, JSON.stringify({ pid: process.pid, since: new Date().toISOString() }));
    return { [Symbol.dispose]: () => lock.isOpen && lock.close() };
  } catch (fault) {
    if (fault instanceof StartFault) throw fault;
    throw new StartFault(`DATA_DIR ${directory} cannot be written: ${String(fault)}`, { cause: fault });
  }
};

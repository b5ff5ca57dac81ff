/** One Node program of the system as a process: it ends when we end, and what it says goes to a file. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dropRecord, keepRecord } from '#platform/agent/leftovers.ts';
import { identify, markerName, signalProcess } from '#platform/agent/process-tree.ts';
import { pause } from '#platform/backoff.ts';
import type { Ended, Running } from './supervise.ts';

export type Program = {
  readonly name: string;
  /** The file that Node runs. */
  readonly main: string;
  readonly nodeArgs?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Between SIGTERM and SIGKILL. */
  readonly stopWithinMs: number;
};

export type ProgramDirs = {
  readonly logs: string;
  /** Who runs is on record here, so that the next start can end what a killed one left. */
  readonly records: string;
};

const logBytesMax = 10 * 1_048_576;
const tailBytes = 64 * 1024;
const lastWordsMax = 10;

/** Opens the log to append to; a long one is put aside and replaces what was put aside before. */
const openLog = (path: string): number => {
  if (existsSync(path) && statSync(path).size > logBytesMax) renameSync(path, `${path}.1`);
  return openSync(path, 'a+', 0o600);
};

/** What was written since `offset` for people and not as a log line: the end of it. */
const lastWords = (log: number, offset: number): string => {
  const from = Math.max(offset, fstatSync(log).size - tailBytes);
  const tail = Buffer.alloc(tailBytes);
  return tail
    .toString('utf8', 0, readSync(log, tail, 0, tailBytes, from))
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('{'))
    .slice(-lastWordsMax)
    .join('\n');
};

export const startProgram = (
  { name, main, nodeArgs = [], env, stopWithinMs }: Program,
  { logs, records }: ProgramDirs,
): Running => {
  const log = openLog(join(logs, `${name}.log`));
  const offset = fstatSync(log).size;
  const marker = randomUUID();
  keepRecord(records, marker, undefined);
  const child = spawn(process.execPath, [...nodeArgs, main], {
    env: { ...env, STOP_WITH_PARENT: '1', [markerName]: marker },
    // Its input closes with us, by whatever cause we end.
    stdio: ['pipe', log, log],
    // In a group of its own: Ctrl-C in a terminal reaches everyone in the foreground group, and there is an order to keep.
    detached: true,
  });
  const { pid } = child;
  if (pid !== undefined) keepRecord(records, marker, identify(pid));
  const over = new AbortController();
  const { promise: exited, resolve } = Promise.withResolvers<Ended>();
  const settle = (ended: Omit<Ended, 'lastWords'>, said: string): void => {
    if (over.signal.aborted) return;
    over.abort();
    closeSync(log);
    dropRecord(records, marker);
    resolve({ ...ended, lastWords: said });
  };
  child.once('error', (fault) => settle({ code: null, signal: null }, fault.message));
  child.once('exit', (code, signal) => settle({ code, signal }, lastWords(log, offset)));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await pause(stopWithinMs, over.signal);
    if (!over.signal.aborted && pid !== undefined) signalProcess(-pid, 'SIGKILL');
    await exited;
  };
  return { exited, stop };
};

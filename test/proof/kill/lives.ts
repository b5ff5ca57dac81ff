/** Processes by their pid and their start, so that a number that is given out again is nobody's life. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** `<pid>:<start in clock ticks since boot>`. */
export type Life = string;

export const lifeOf = (pid: number): Life | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : `${pid}:${fields[19] ?? ''}`;
  } catch {
    return undefined;
  }
};

export const livesOf = (pids: readonly number[]): Life[] => pids.flatMap((pid) => lifeOf(pid) ?? []);

export const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
};

const isAlive = (life: Life): boolean => lifeOf(Number.parseInt(life, 10)) === life;

/** Those that still live after `ms`, described. */
export const outliving = async (lives: readonly Life[], ms: number): Promise<string[]> => {
  const deadline = performance.now() + ms;
  while (lives.some(isAlive) && performance.now() < deadline) await pause(50);
  return lives.filter(isAlive).map((life) => `${life} ${commandOf(Number.parseInt(life, 10))}`);
};

const directoryOf = (pid: number): string => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
};

/** Everything that works inside a directory: every agent does, whatever it has made of its parent, group and environment. */
export const livesIn = (directory: string): Life[] =>
  livesOf(
    readdirSync('/proc')
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && directoryOf(pid).startsWith(directory)),
  );

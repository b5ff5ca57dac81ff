/** Looks at processes from outside, without the code that is under test. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** The living processes whose environment holds `text`. */
export const carriersOf = (text: string): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && environmentOf(pid).includes(text));

/** Whether there is a process of this number. */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Memory in KB: what is resident, or the most that ever was. */
export const memoryKbOf = (pid: number, field: 'VmRSS' | 'VmHWM' = 'VmRSS'): number => {
  const [, kb = ''] =
    new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kb);
};

const environmentOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
};

/** Resolves when `holds` does; throws `message` when it does not within `limitMs`. */
export const until = async (holds: () => boolean, message: string, limitMs = 10_000): Promise<void> => {
  const deadline = Date.now() + limitMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(message);
    await pause(10);
  }
};

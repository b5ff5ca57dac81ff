/** Looks at processes from outside, without the code that is under test. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** The living processes whose environment holds `text`. */
export const carriersOf = (text: string): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && environmentOf(pid).includes(text));

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

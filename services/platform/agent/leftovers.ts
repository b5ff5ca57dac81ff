/** What is running is on record, so that the next start can kill what the last one could not. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { identify, isAlive, killTree, processTree } from './process-tree.ts';
import type { ProcessId } from './process-tree.ts';

const processId = z.object({ pid: z.int().positive(), startTime: z.string() });
const Record = z.object({
  marker: z.uuid(),
  /** Who started it: while that process lives, its agents are its own business. */
  starter: processId.optional(),
  root: processId.optional(),
});

const pathOf = (directory: string, marker: string): string => join(directory, `${marker}.json`);

/** Written before the process is started and again when its pid is known: the marker alone is enough to find it. */
export const keepRecord = (directory: string, marker: string, root: ProcessId | undefined): void => {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const record = { marker, starter: identify(process.pid), root };
  writeFileSync(pathOf(directory, marker), JSON.stringify(record), { mode: 0o600 });
};

export const dropRecord = (directory: string, marker: string): void =>
  rmSync(pathOf(directory, marker), { force: true });

/** Kills every recorded tree whose starter is gone; tells how many of them still lived. */
export const sweepLeftovers = async (directory: string): Promise<number> => {
  let killed = 0;
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    const record = parseRecord(await readFile(path, 'utf8').catch(() => ''));
    if (record?.starter && isAlive(record.starter)) continue;
    if (record) {
      const tree = processTree(record.marker, record.root);
      if (tree.survivors().length > 0) killed += 1;
      await killTree(tree);
    }
    await rm(path, { force: true });
  }
  return killed;
};

/** A record that was cut short by a crash names nothing that could be found. */
const parseRecord = (text: string) => {
  try {
    return Record.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

/**
 * Serves an agent that reads and writes files through its client, which some do without being invited. It is us who open the
 * file, with our rights, so that no policy allows more than the work directory, and the place is checked once the file is open.
 */
import { constants } from 'node:fs';
import { mkdir, open, readlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { contains, placeInside } from './paths.ts';

/** The file is not one that the agent may have; the sentence is for the agent. */
export class FileRefused extends Error {}

const bytesMax = 16 * 1024 * 1024;
const { O_RDONLY, O_WRONLY, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;

/** `line` counts from 1; `limit` is a number of lines. */
export type TextRange = { readonly line?: number | null | undefined; readonly limit?: number | null | undefined };

export const readTextFile = async (directory: string, named: string, range: TextRange): Promise<string> => {
  await using file = await openInside(directory, named, O_RDONLY);
  const { size } = await file.stat();
  if (size > bytesMax) throw new FileRefused(`${named} is larger than ${bytesMax} bytes`);
  const text = await file.readFile('utf8');
  const { line, limit } = range;
  if (line == null && limit == null) return text;
  const from = Math.max(0, (line ?? 1) - 1);
  return text
    .split('\n')
    .slice(from, limit == null ? undefined : from + limit)
    .join('\n');
};

export const writeTextFile = async (directory: string, named: string, content: string): Promise<void> => {
  const place = placeInside(directory, named);
  if (place !== undefined) await mkdir(dirname(place), { recursive: true });
  await using file = await openInside(directory, named, O_WRONLY | O_CREAT);
  await file.truncate(0);
  await file.writeFile(content);
};

/** A link put in the way between the check and the opening is seen by where the open file really is. */
const openInside = async (directory: string, named: string, flags: number): Promise<FileHandle> => {
  const place = placeInside(directory, named);
  const root = placeInside(directory, '.');
  if (place === undefined || root === undefined) throw new FileRefused(`${named} is outside the work directory`);
  // A pipe would make us wait for its other end.
  const file = await open(place, flags | O_NOFOLLOW | O_NONBLOCK, 0o644);
  try {
    const real = await readlink(`/proc/self/fd/${file.fd}`).catch(() => place);
    if (!contains(root, real)) throw new FileRefused(`${named} is outside the work directory`);
    if (!(await file.stat()).isFile()) throw new FileRefused(`${named} is not a file`);
    return file;
  } catch (fault) {
    await file.close();
    throw fault;
  }
};

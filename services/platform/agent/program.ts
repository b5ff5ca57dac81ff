/** Where a program is, as a shell would find it: asked before the start, since what is wrapped around it would only say that something failed. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';

/** Undefined when there is no such program. */
export const findProgram = async (name: string, searchPath: string, cwd: string): Promise<string | undefined> => {
  const places = name.includes('/') ? [resolve(cwd, name)] : searchPath.split(delimiter).map((dir) => join(dir, name));
  for (const place of places) if (await isProgram(place)) return place;
  return undefined;
};

const isProgram = async (path: string): Promise<boolean> => {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
};

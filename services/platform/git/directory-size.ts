/** How much a directory holds; links are counted, not followed. */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

/** In bytes of disk. What vanishes or may not be read while it is counted is left out. */
export const directorySize = async (directory: string): Promise<number> => {
  let bytes = 0;
  const rest = [directory];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    try {
      for await (const entry of await opendir(next)) {
        const path = join(next, entry.name);
        if (entry.isDirectory()) rest.push(path);
        const { blocks } = await lstat(path);
        bytes += blocks * 512;
      }
    } catch {
      continue;
    }
  }
  return bytes;
};

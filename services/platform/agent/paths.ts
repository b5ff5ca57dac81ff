/** Where a path really leads: symbolic links are followed, also by the part of it that does not exist yet. */
import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const linksMax = 40;

/** Undefined when it cannot be told, such as in a loop of links. */
const realPath = (path: string, links = linksMax): string | undefined => {
  try {
    return realpathSync(path);
  } catch {
    if (links === 0) return undefined;
  }
  const target = targetOf(path);
  if (target !== undefined) return realPath(resolve(dirname(path), target), links - 1);
  const parent = dirname(path);
  const real = parent === path ? undefined : realPath(parent, links);
  return real === undefined ? undefined : join(real, basename(path));
};

const targetOf = (path: string): string | undefined => {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
};

export const contains = (directory: string, path: string): boolean => {
  const way = relative(directory, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};

/** The real path of what a tool names, or undefined when it leads out of the directory. `~` and other URLs lead out. */
export const placeInside = (directory: string, named: string): string | undefined => {
  if (named.startsWith('~') || named.includes('\0')) return undefined;
  const root = realPath(directory);
  const path = realPath(resolve(directory, named.startsWith('file://') ? pathOfUrl(named) : named));
  return root !== undefined && path !== undefined && contains(root, path) ? path : undefined;
};

const pathOfUrl = (url: string): string => {
  try {
    return fileURLToPath(url);
  } catch {
    return '/';
  }
};

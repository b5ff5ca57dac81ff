/** The directories that agents work in: one per session, under one root, for nobody else's eyes. */
import { chmod, lstat, mkdir, opendir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { checkOut } from '#platform/git/check-out.ts';
import type { CheckOut, CheckOutRequest } from '#platform/git/check-out.ts';
import type { GitOptions } from '#platform/git/clean-room.ts';
import { directorySize } from '#platform/git/directory-size.ts';

export type WorkspaceRequest = {
  readonly repository?: string | undefined;
  readonly ref?: string | undefined;
};

/** `path` is absolute. `commit` is what was checked out, where a repository was named and the directory is new. */
export type Workspace =
  | { readonly outcome: 'ready'; readonly path: string; readonly commit?: string }
  | Extract<CheckOut, { outcome: 'refused' }>;

export type Workspaces = {
  /** Makes the directory of a session, or finds it as it was left; a repository is brought into a new one only. */
  readonly open: (sessionId: string, request: WorkspaceRequest, signal: AbortSignal) => Promise<Workspace>;
  /** In bytes of disk; 0 when there is none. */
  readonly size: (sessionId: string) => Promise<number>;
  /** Also when its owner made it hard to remove. */
  readonly remove: (sessionId: string) => Promise<void>;
};

export type WorkspaceOptions = {
  readonly root: string;
  readonly git: GitOptions;
  /** What a checkout may take on disk. */
  readonly bytesMax?: number;
};

const onlyUs = 0o700;

export const workspaces = ({ root, git, bytesMax }: WorkspaceOptions): Workspaces => {
  const pathOf = (sessionId: string): string => {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(sessionId)) throw new Error(`${sessionId} cannot name a directory`);
    return resolve(root, sessionId);
  };
  return {
    async open(sessionId, { repository, ref }, signal) {
      const path = pathOf(sessionId);
      await mkdir(root, { recursive: true, mode: onlyUs });
      if (await exists(path)) return { outcome: 'ready', path };
      // What is not complete has another name, so that a crash leaves nothing that looks like a work directory.
      const directory = `${path}.partial`;
      await removeTree(directory);
      await mkdir(directory, { mode: onlyUs });
      const checkedOut =
        repository === undefined ? undefined : await fill({ repository, ref, directory, bytesMax }, git, signal);
      if (checkedOut?.outcome === 'refused') return checkedOut;
      await rename(directory, path);
      return { outcome: 'ready', path, ...(checkedOut ? { commit: checkedOut.commit } : {}) };
    },
    size: (sessionId) => directorySize(pathOf(sessionId)),
    async remove(sessionId) {
      await removeTree(`${pathOf(sessionId)}.partial`);
      await removeTree(pathOf(sessionId));
    },
  };
};

/** Leaves nothing behind when it fails. */
const fill = async (request: CheckOutRequest, git: GitOptions, signal: AbortSignal): Promise<CheckOut> => {
  const result = await checkOut(request, git, signal).catch(async (fault: unknown) => {
    await removeTree(request.directory);
    throw fault;
  });
  if (result.outcome === 'refused') await removeTree(request.directory);
  return result;
};

const exists = async (path: string): Promise<boolean> => {
  const found = await lstat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
};

const removeTree = async (path: string): Promise<void> => {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    // A directory without rights keeps its content from us although it is ours.
    await openUp(path);
    await rm(path, { recursive: true, force: true });
  }
};

const openUp = async (directory: string): Promise<void> => {
  await chmod(directory, onlyUs);
  for await (const entry of await opendir(directory))
    if (entry.isDirectory()) await openUp(join(directory, entry.name));
};

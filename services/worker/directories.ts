/** The work directories of sessions: made with the repository of the task in it, kept for a while, and then removed. */
import { readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { SessionId } from '#events/ids.ts';
import type { Task } from '#events/task.ts';
import type { Workspaces } from '#platform/agent/workspace.ts';
import { TaskRefused } from './errors.ts';

/** Resolves with an absolute path; rejects with `TaskRefused` when the repository or the ref cannot be had. */
export type PrepareDirectory = (sessionId: SessionId, task: Task, signal: AbortSignal) => Promise<string>;

export type Directories = {
  readonly prepare: PrepareDirectory;
  /** Removes what no session of this worker holds and none has opened for the keeping time; tells how many. */
  readonly sweep: (isHeld: (sessionId: string) => boolean) => Promise<number>;
};

export type DirectoryOptions = {
  readonly root: string;
  readonly workspaces: Pick<Workspaces, 'open' | 'remove'>;
  /** How long a conversation finds its files again after it was last opened. */
  readonly keepMs: number;
  readonly clock: () => number;
};

export const directories = ({ root, workspaces, keepMs, clock }: DirectoryOptions): Directories => ({
  prepare: async (sessionId, { repository, ref }, signal) => {
    const workspace = await workspaces.open(sessionId, { repository, ref }, signal);
    if (workspace.outcome === 'refused') throw new TaskRefused(workspace.error);
    const now = new Date(clock());
    await utimes(workspace.path, now, now);
    return workspace.path;
  },
  sweep: async (isHeld) => {
    let removed = 0;
    for (const name of await readdir(root)) {
      // What is not named as a session is not ours to remove, and what is gone already needs no removing.
      const found = SessionId.safeParse(name).success ? await stat(join(root, name)).catch(() => undefined) : undefined;
      if (!found || isHeld(name) || found.mtimeMs > clock() - keepMs) continue;
      await workspaces.remove(name);
      removed += 1;
    }
    return removed;
  },
});

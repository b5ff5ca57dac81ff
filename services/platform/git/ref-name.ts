/** Names of branches, tags and commits that may be handed to git. */
import { runGit } from './clean-room.ts';
import type { GitOptions } from './clean-room.ts';

const commit = /^[0-9a-f]{40}$/;
export const isCommit = (ref: string): boolean => commit.test(ref);

const allowed = /^[A-Za-z0-9_][A-Za-z0-9_.+@#/-]{0,199}$/;

/** An allow-list first, git's own opinion second; `refs/…` is refused, which git itself would take for a branch. */
export const isRefName = async (ref: string, options: GitOptions, signal: AbortSignal): Promise<boolean> => {
  if (!allowed.test(ref) || ref.startsWith('refs/')) return false;
  return (await runGit(['check-ref-format', '--branch', ref], options, signal)).ok;
};

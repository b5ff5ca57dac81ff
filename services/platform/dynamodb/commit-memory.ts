/** The commits of this process that it may not have read back yet, so that following the log does not fetch what was just written. */
import { factsOf } from '../fact-text.ts';
import type { Commit } from '../store.ts';

export type CommitMemory = {
  /** `facts` are the facts as they are stored. */
  readonly remember: (commit: Omit<Commit, 'facts'>, facts: string) => void;
  /**
   * The commits of a shard right after `after`, as far as they are ours; none says nothing about the log. What is remembered stays
   * true: a position is taken once. Whatever lies before is forgotten, since readers go forward.
   */
  readonly recall: (shard: number, after: number, limit: number) => readonly Commit[];
};

/** Of each shard: readers follow closely, or read from the store. */
const commitsMax = 32;
/** A larger commit is rare, and cheap to fetch beside what it cost to write. */
const charsMax = 16_384;

type Kept = { readonly stream: Commit['stream']; readonly facts: string };

export const commitMemory = (): CommitMemory => {
  const shards = new Map<number, Map<number, Kept>>();
  return {
    remember: ({ shard, position, stream }, facts) => {
      if (facts.length > charsMax) return;
      const kept = shards.get(shard) ?? new Map<number, Kept>();
      shards.set(shard, kept.set(position, { stream, facts }));
      const [oldest] = kept.keys();
      if (kept.size > commitsMax && oldest !== undefined) kept.delete(oldest);
    },
    recall: (shard, after, limit) => {
      const kept = shards.get(shard);
      const commits: Commit[] = [];
      for (let position = after + 1; commits.length < limit; position += 1) {
        const own = kept?.get(position);
        if (own === undefined) break;
        commits.push({ shard, position, stream: own.stream, facts: factsOf(own.facts) });
      }
      for (const position of kept?.keys() ?? []) if (position <= after) kept?.delete(position);
      return commits;
    },
  };
};

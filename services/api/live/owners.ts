/** Whose task a stream is: learned from the log while it passes, asked of the store otherwise. An owner never changes. */
import { z } from 'zod';
import type { StreamId } from '#events/envelope.ts';
import { recent } from '#platform/recent.ts';
import type { Commit, ReadRow } from '#platform/store.ts';

const knownMax = 20_000;
const Owned = z.object({ owner: z.string() });

export type Owners = {
  readonly learn: (commit: Commit) => void;
  /** Undefined when there is no such task. */
  readonly ownerOf: (stream: StreamId) => Promise<string | undefined>;
};

export const createOwners = (readRow: ReadRow): Owners => {
  const known = recent<StreamId, string>(knownMax);
  return {
    learn: ({ stream, facts: [first] }) => {
      if (first?.type === 'TaskSubmitted') known.set(stream, Owned.parse(first).owner);
    },
    ownerOf: async (stream) => {
      const owner = known.get(stream);
      if (owner !== undefined) return owner;
      const stored = await readRow(stream);
      if (!stored) return undefined;
      const read = Owned.parse(stored.row).owner;
      known.set(stream, read);
      return read;
    },
  };
};

/** What is stored in the end, in the form that the history checker reads. */
import type { StreamId } from '#events/envelope.ts';
import type { Commit, Store, StoredFact, StoredRow } from '#platform/store.ts';
import { eventually } from '#test/support/eventually.ts';
import type { FactName, Stored } from '#test/support/history.ts';
import { inParallel } from './matrix.ts';

const wholeShard = async (store: Store, shard: number): Promise<Commit[]> => {
  const commits: Commit[] = [];
  for (;;) {
    const page = await store.readLog(shard, commits.at(-1)?.position ?? 0, 500);
    if (page.length === 0) return commits;
    commits.push(...page);
  }
};

const wholeStream = async (store: Store, stream: StreamId): Promise<StoredFact[]> => {
  const facts: StoredFact[] = [];
  for (;;) {
    const page = await store.readStream(stream, facts.at(-1)?.version ?? 0, 500);
    if (page.length === 0) return facts;
    facts.push(...page);
  }
};

export const readStored = async (store: Store): Promise<Stored> => {
  const log = await Promise.all(Array.from({ length: store.shards }, (_, shard) => wholeShard(store, shard)));
  const streams = new Map<StreamId, readonly StoredFact[]>();
  const rows = new Map<StreamId, StoredRow>();
  await inParallel([...new Set(log.flat().map(({ stream }) => stream))], 16, async (stream) => {
    streams.set(stream, await wholeStream(store, stream));
    const row = await store.readRow(stream);
    if (row) rows.set(stream, row);
  });
  return { streams, rows, log };
};

/** Resolves when nothing waits or runs any more. */
export const allOver = async (store: Store, limitMs: number): Promise<void> => {
  const isNone = async (status: 'pending' | 'processing'): Promise<boolean> => {
    const query = { by: { field: 'status', equals: status }, order: 'oldest-first', limit: 1 } as const;
    // A row that moved on between index and table is left out: an empty page is the end only where no other follows.
    const { rows, next } = await store.listRows('task', query);
    return rows.length === 0 && next === undefined;
  };
  // Looked at twice, because what runs at the first look may wait again at the second.
  const isOver = async (): Promise<true | undefined> => {
    for (const status of ['pending', 'processing', 'pending', 'processing'] as const)
      if (!(await isNone(status))) return undefined;
    return true;
  };
  await eventually(isOver, 'tasks are left that nobody works on', limitMs);
};

/** Resolves when everything in the log, as it is now, was announced. */
export const allAnnounced = async (store: Store, announced: readonly FactName[]): Promise<void> => {
  const logged = await Promise.all(Array.from({ length: store.shards }, (_, shard) => wholeShard(store, shard)));
  const names = logged.flat().flatMap(({ facts }) => facts.map(({ stream, version }) => `${stream} ${version}`));
  const areAnnounced = (): true | undefined => {
    const heard = new Set(announced.map(({ stream, version }) => `${stream} ${version}`));
    return names.every((name) => heard.has(name)) || undefined;
  };
  await eventually(areAnnounced, 'facts stay unannounced', 60_000);
};

/** How much waits and works now, known without asking: counted along the log, and counted anew from the rows now and then. */
import { z } from 'zod';
import { rootOf } from '#events/envelope.ts';
import { SessionStatus } from '#events/session.ts';
import { TaskStatus } from '#events/task.ts';
import { pause } from '#platform/backoff.ts';
import type { Log } from '#platform/log.ts';
import type { Commit, ListRows } from '#platform/store.ts';

export const Counts = z.object({
  sessions: z.object({ created: z.int(), active: z.int(), idle: z.int() }),
  queue: z.object({ pending: z.int(), processing: z.int() }),
});
export type Counts = z.infer<typeof Counts>;

type Standing = TaskStatus | SessionStatus;

const standings: ReadonlyMap<string, Standing> = new Map([
  ['TaskSubmitted', 'pending'],
  ['TaskRetried', 'pending'],
  ['TaskStarted', 'processing'],
  ['TaskCompleted', 'completed'],
  ['TaskFailed', 'failed'],
  ['TaskCancelled', 'cancelled'],
  ['SessionCreated', 'created'],
  ['SessionActivated', 'active'],
  ['SessionIdled', 'idle'],
  ['SessionClosed', 'closed'],
]);
const isOver = (standing: Standing): boolean => ['completed', 'failed', 'cancelled', 'closed'].includes(standing);

const lists = [
  { kind: 'task', status: 'pending' },
  { kind: 'task', status: 'processing' },
  { kind: 'session', status: 'created' },
  { kind: 'session', status: 'active' },
  { kind: 'session', status: 'idle' },
] as const;
const Listed = z.union([
  z.object({ taskId: z.string(), status: TaskStatus }).transform(({ taskId: id, status }) => ({ id, status })),
  z.object({ sessionId: z.string(), status: SessionStatus }).transform(({ sessionId: id, status }) => ({ id, status })),
]);

/** What stands where, and how many of each. */
const createTally = () => {
  const standing = new Map<string, Standing>();
  const counts = new Map<Standing, number>();
  const add = (to: Standing, amount: number): void => void counts.set(to, (counts.get(to) ?? 0) + amount);
  return {
    set: (id: string, now: Standing): void => {
      const before = standing.get(id);
      if (before !== undefined) add(before, -1);
      standing.delete(id);
      if (isOver(now)) return;
      standing.set(id, now);
      add(now, 1);
    },
    count: (of: Standing): number => counts.get(of) ?? 0,
  };
};

/** Lists are a moment behind the log; what passed in the log since the count before overrules them. */
const recountMs = 300_000;
const retryMs = 1_000;
const pageMax = 100;

export type Census = {
  readonly apply: (commit: Commit) => void;
  /** What this instance stored counts from then on, not from when the log tells of it; the log may have told more already. */
  readonly foretell: (commit: Commit) => void;
  /** Undefined until the first count is done: a number that is not known is not made up. */
  readonly counts: () => Counts | undefined;
  /** Counts until `signal` aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

const countRows = async (listRows: ListRows): Promise<ReturnType<typeof createTally>> => {
  const counting = createTally();
  for (const { kind, status } of lists) {
    const query = { by: { field: 'status', equals: status }, order: 'oldest-first', limit: pageMax } as const;
    let page = await listRows(kind, query);
    for (;;) {
      for (const { id, status: now } of page.rows.map(({ row }) => Listed.parse(row))) counting.set(id, now);
      if (page.next === undefined) break;
      page = await listRows(kind, { ...query, after: page.next });
    }
  }
  return counting;
};

export const createCensus = (listRows: ListRows, log: Log): Census => {
  let tally: ReturnType<typeof createTally> | undefined;
  let movedBefore: ReadonlyMap<string, Standing> = new Map();
  let moved = new Map<string, Standing>();

  const recount = async (): Promise<void> => {
    const counting = await countRows(listRows);
    for (const [id, now] of [...movedBefore, ...moved]) counting.set(id, now);
    tally = counting;
    movedBefore = moved;
    moved = new Map();
  };

  const apply = ({ stream, facts }: Commit): void => {
    const now = facts.map(({ type }) => standings.get(type)).findLast((each) => each !== undefined);
    if (now === undefined) return;
    moved.set(rootOf(stream), now);
    tally?.set(rootOf(stream), now);
  };

  return {
    apply,
    foretell: (commit) => {
      const id = rootOf(commit.stream);
      if (!moved.has(id) && !movedBefore.has(id)) apply(commit);
    },
    counts: () =>
      tally && {
        sessions: { created: tally.count('created'), active: tally.count('active'), idle: tally.count('idle') },
        queue: { pending: tally.count('pending'), processing: tally.count('processing') },
      },
    run: async (signal) => {
      while (!signal.aborted) {
        let again = recountMs;
        await recount().catch((err: unknown) => {
          log.problem('census.failed', { err });
          again = retryMs;
        });
        await pause(again, signal);
      }
    },
  };
};

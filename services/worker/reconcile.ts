/** Looks at what is, not at what was said: finds the tasks and sessions that a lost message or a dead worker left behind. */
import type { SessionId, TaskId } from '#events/ids.ts';
import { Session } from '#events/session.ts';
import type { SessionCommand, SessionRefusal } from '#events/session.ts';
import { Task } from '#events/task.ts';
import type { TaskCommand, TaskRefusal, TaskStatus } from '#events/task.ts';
import type { StreamKind, StreamId } from '#events/envelope.ts';
import type { z } from 'zod';
import type { Handle } from '#platform/handle.ts';
import type { Log } from '#platform/log.ts';
import type { Condition, ListRows, Origin } from '#platform/store.ts';
import { leaseMs } from './attempt.ts';
import { timedOut, workerLost } from './errors.ts';
import type { Sightings } from './sightings.ts';

/** Lease 30 s and look every 15 s: a dead worker is noticed within 45 s. */
export const lookEveryMs = 15_000;
/** What the wall clock says of a heartbeat is believed when we have not seen it move for a beat and some slack. */
export const confirmMs = 12_000;
/** A task that nobody took for so long is offered to this worker's free sessions: its message may be lost. */
export const pendingMs = 15_000;
/** A worker ends its task at the limit by itself; one that did not within this margin never will. */
export const overdueMs = 30_000;

export type ReconcileDeps = {
  readonly listRows: ListRows;
  readonly handleTask: Handle<Task, TaskCommand, TaskRefusal>;
  readonly handleSession: Handle<Session, SessionCommand, SessionRefusal>;
  /** Hands a pending task to this worker; it is asked for no more than `free` of them. */
  readonly offer: (stream: StreamId) => void;
  readonly free: () => number;
  /** What this very worker has in hand: whether it goes on is its heartbeat's question, also after the machine slept. */
  readonly isOurs: { readonly task: (taskId: TaskId) => boolean; readonly session: (sessionId: SessionId) => boolean };
  /** A pending task that waits for its conversation, here or elsewhere, and would only take the place of a lost one. */
  readonly isLeft: (task: Task) => Promise<boolean>;
  readonly origin: Origin;
  /** The same for every look. */
  readonly seen: Sightings;
  readonly confirmMs: number;
  readonly clock: () => number;
  readonly log: Log;
};

/** Of a row that never had a heartbeat. */
const never = 0;

export type Reconciled = { readonly rescued: number; readonly offered: number; readonly closed: number };

/** One look at everything that is not over. Rejects when the store cannot be reached; the next look begins anew. */
export const reconcile = async (deps: ReconcileDeps): Promise<Reconciled> => {
  deps.seen.beginLook();
  return {
    rescued: await rescueTasks(deps),
    closed: await closeSessions(deps),
    offered: await offerPending(deps),
  };
};

/**
 * Whether a heartbeat stands still: for a lease as we saw it ourselves, or for a lease as the clocks of two machines have it
 * and for `confirmMs` as we saw it. A clock that was set, ours or theirs, takes no task from a worker that lives.
 */
const isSilent = (
  { seen, clock, confirmMs: confirm }: ReconcileDeps,
  stream: StreamId,
  heartbeatAt: number,
): boolean => {
  const unchangedMs = seen.unchangedMs(stream, heartbeatAt);
  return unchangedMs >= leaseMs || (unchangedMs >= confirm && heartbeatAt < clock() - leaseMs);
};

/** The heartbeat may come between our look and our word; then the worker lives and the condition refuses us. */
const stillAt = (heartbeatAt: number): Condition =>
  heartbeatAt === never
    ? { field: 'heartbeatAt', is: 'absent' }
    : { field: 'heartbeatAt', is: 'equal', to: heartbeatAt };

const rescueTasks = async (deps: ReconcileDeps): Promise<number> => {
  const { handleTask, origin, log } = deps;
  let rescued = 0;
  for await (const { state: task, heartbeatAt } of statesOf(deps, 'task', 'processing', Task)) {
    if (deps.isOurs.task(task.taskId)) continue;
    const stream = `task/${task.taskId}` as const;
    const { attempt } = task;
    const lost = isSilent(deps, stream, heartbeatAt);
    const overdue = deps.seen.unchangedMs(`${stream} attempt`, attempt) > task.timeoutMs + overdueMs;
    if (!lost && !overdue) continue;
    const handled = lost
      ? await handleTask(stream, { type: 'interrupt', attempt, cause: 'worker-lost', error: workerLost }, origin, {
          where: [stillAt(heartbeatAt)],
        })
      : await handleTask(stream, { type: 'fail', attempt, error: timedOut(task.timeoutMs) }, origin);
    if (handled.outcome !== 'appended') continue;
    rescued += 1;
    log.problem('task.rescued', { taskId: task.taskId, attempt, workerId: task.workerId, lost });
  }
  return rescued;
};

const closeSessions = async (deps: ReconcileDeps): Promise<number> => {
  const { handleSession, origin, log } = deps;
  let closed = 0;
  for (const status of ['created', 'active', 'idle'] as const) {
    for await (const { state, heartbeatAt } of statesOf(deps, 'session', status, Session)) {
      const { sessionId } = state;
      const stream = `session/${sessionId}` as const;
      if (deps.isOurs.session(sessionId) || !isSilent(deps, stream, heartbeatAt)) continue;
      const close = { type: 'close', reason: 'worker-lost' } as const;
      const handled = await handleSession(stream, close, origin, { where: [stillAt(heartbeatAt)] });
      if (handled.outcome !== 'appended') continue;
      closed += 1;
      log.problem('session.rescued', { sessionId });
    }
  }
  return closed;
};

const offerPending = async (deps: ReconcileDeps): Promise<number> => {
  let offered = 0;
  const free = deps.free();
  if (free === 0) return 0;
  for await (const { state: task } of statesOf(deps, 'task', 'pending', Task)) {
    if (task.pendingSince > deps.clock() - pendingMs || (await deps.isLeft(task))) continue;
    deps.offer(`task/${task.taskId}`);
    offered += 1;
    if (offered >= free) break;
  }
  return offered;
};

/** Every row of one status, oldest first, page by page. One that cannot be read is told and passed over: the others go on. */
async function* statesOf<State>(
  { listRows, log }: Pick<ReconcileDeps, 'listRows' | 'log'>,
  kind: Extract<StreamKind, 'task' | 'session'>,
  status: TaskStatus | Session['status'],
  schema: z.ZodType<State>,
): AsyncGenerator<{ readonly state: State; readonly heartbeatAt: number }> {
  let after: string | undefined;
  do {
    const by = { field: 'status', equals: status } as const;
    const page = await listRows(kind, {
      by,
      order: 'oldest-first',
      limit: 100,
      ...(after === undefined ? {} : { after }),
    });
    for (const { row, marks } of page.rows) {
      const parsed = schema.safeParse(row);
      if (parsed.success) yield { state: parsed.data, heartbeatAt: marks['heartbeatAt'] ?? never };
      else log.problem('row.unreadable', { kind, id: row[`${kind}Id`], reason: parsed.error.message });
    }
    after = page.next;
  } while (after !== undefined);
}

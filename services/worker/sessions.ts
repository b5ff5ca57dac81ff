/** Finds the session that a task belongs in, or opens one: held here and warm, taken up from another process, or new. */
import { uuidv7 } from '#platform/uuid.ts';
import { Session } from '#events/session.ts';
import type { SessionCommand, SessionRefusal } from '#events/session.ts';
import { SessionId } from '#events/ids.ts';
import type { WorkerId } from '#events/ids.ts';
import type { Task } from '#events/task.ts';
import type { Artifacts } from '#platform/artifacts.ts';
import type { Handle } from '#platform/handle.ts';
import type { Marks, ReadRow } from '#platform/store.ts';
import { leaseMs } from './attempt.ts';
import type { PrepareDirectory } from './directories.ts';
import { readHistory } from './history.ts';
import type { Exchange } from './history.ts';
import type { HeldSession, SessionPool } from './pool.ts';
import type { SessionFacts } from './session-facts.ts';

export type Obtained = {
  readonly session: HeldSession;
  /** What the agent must be told of the conversation, when it does not know it by itself. */
  readonly history: readonly Exchange[];
  readonly usage: { contextPercent?: number };
};

/** Rejects with the faults of the agent and of the work directory; `signal` ends the wait for either. */
export type ObtainSession = (task: Task, sessionId: SessionId, signal: AbortSignal) => Promise<Obtained>;

/** Whether this worker may run the task: its conversation is not in the hands of another worker that lives. */
export type Whereabouts = 'here' | 'elsewhere';

export type SessionDeps = {
  readonly workerId: WorkerId;
  readonly pool: SessionPool;
  readonly facts: SessionFacts;
  readonly readRow: ReadRow;
  readonly artifacts: Artifacts;
  readonly handleSession: Handle<Session, SessionCommand, SessionRefusal>;
  readonly prepareDirectory: PrepareDirectory;
  readonly clock: () => number;
};

export const sessionOf = (task: Task, now: number): SessionId => task.sessionId ?? SessionId.parse(uuidv7(now));

const isLive = (session: Session, marks: Marks, now: number): boolean =>
  session.status !== 'closed' && (marks['heartbeatAt'] ?? 0) > now - leaseMs;

export const whereaboutsOf = async (
  { pool, readRow, clock, workerId }: Pick<SessionDeps, 'pool' | 'readRow' | 'clock' | 'workerId'>,
  task: Task,
): Promise<Whereabouts> => {
  if (task.sessionId === undefined || pool.holds(task.sessionId)) return 'here';
  const stored = await readRow(`session/${task.sessionId}`);
  if (!stored) return 'here';
  const session = Session.parse(stored.row);
  return session.workerId !== workerId && isLive(session, stored.marks, clock()) ? 'elsewhere' : 'here';
};

export const obtainer =
  (deps: SessionDeps): ObtainSession =>
  async (task, sessionId, signal) => {
    const { pool, facts, readRow, artifacts, handleSession, prepareDirectory, workerId } = deps;
    const held = pool.resume(sessionId);
    if (held) return { session: held, history: [], usage: {} };
    await facts.settled(sessionId);
    const prior = await readPrior(readRow, sessionId);
    if (prior && prior.status !== 'closed') {
      const origin = { actor: `worker:${workerId}`, correlationId: task.correlationId } as const;
      await handleSession(`session/${sessionId}`, { type: 'close', reason: 'worker-lost' }, origin);
    }
    const workDirectory = await prepareDirectory(sessionId, task, signal);
    const generation = (prior?.generation ?? 0) + 1;
    const resume = prior ? { resume: prior.agentSessionId } : {};
    const session = await pool.open({ sessionId, generation, owner: task.owner, workDirectory, ...resume }, signal);
    const forgotten = prior !== undefined && !session.conversation.resumed;
    const history = forgotten ? await readHistory(prior.taskIds, readRow, artifacts) : [];
    return { session, history, usage: {} };
  };

const readPrior = async (readRow: ReadRow, sessionId: SessionId): Promise<Session | undefined> => {
  const stored = await readRow(`session/${sessionId}`);
  return stored && Session.parse(stored.row);
};

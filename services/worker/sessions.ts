/** Finds the session that a task belongs in, or opens one: held here and warm, taken up from another process, or new. */
import { uuidv7 } from '#platform/uuid.ts';
import type { TaskError } from '#events/error.ts';
import { Session } from '#events/session.ts';
import type { SessionCommand, SessionRefusal } from '#events/session.ts';
import { SessionId } from '#events/ids.ts';
import type { WorkerId } from '#events/ids.ts';
import type { Task } from '#events/task.ts';
import type { Artifacts } from '#platform/artifacts.ts';
import type { Handle } from '#platform/handle.ts';
import type { Marks, ReadRow } from '#platform/store.ts';
import { leaseMs } from './attempt.ts';
import { TaskRefused } from './errors.ts';
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

const notTheOwners: TaskError = {
  class: 'invalid-input',
  message: 'the session belongs to another account',
  remedy: 'Continue a session of your own, or leave sessionId out.',
  retryable: false,
};

export const obtainer =
  (deps: SessionDeps): ObtainSession =>
  async (task, sessionId, signal) => {
    if (!task.continues)
      return { session: await open(deps, task, sessionId, undefined, signal), history: [], usage: {} };
    const { pool, facts, workerId } = deps;
    await facts.settled(sessionId);
    const prior = await readPrior(deps, sessionId);
    if (prior && prior.owner !== task.owner) throw new TaskRefused(notTheOwners);
    const held = isOurs(prior, workerId) ? pool.resume(sessionId) : undefined;
    if (held) return { session: held, history: [], usage: {} };
    // What we hold may have been closed under us, or belong to another worker by now.
    await pool.close(sessionId, 'worker-lost');
    await closeLost(deps, prior, task);
    const session = await open(deps, task, sessionId, prior, signal);
    try {
      await facts.settled(sessionId);
      // Another worker may have taken it up at the same moment; the next attempt leaves it to that one.
      if (!isOurs(await readPrior(deps, sessionId), workerId)) throw new Error(`another worker has ${sessionId}`);
      const forgotten = prior !== undefined && !session.conversation.resumed;
      const history = forgotten ? await readHistory(prior.taskIds, deps.readRow, deps.artifacts) : [];
      return { session, history, usage: {} };
    } catch (fault) {
      await pool.release(sessionId, { reusable: false });
      throw fault;
    }
  };

const isOurs = (session: Session | undefined, workerId: WorkerId): boolean =>
  session !== undefined && session.status !== 'closed' && session.workerId === workerId;

/** Closes what a lost worker left open; one that lives after all is not touched. */
const closeLost = async ({ handleSession, workerId, clock }: SessionDeps, prior: Session | undefined, task: Task) => {
  if (!prior || prior.status === 'closed') return;
  const origin = { actor: `worker:${workerId}`, correlationId: task.correlationId } as const;
  const silent = { field: 'heartbeatAt', is: 'below', to: clock() - leaseMs } as const;
  const where = prior.workerId === workerId ? [] : [silent];
  await handleSession(`session/${prior.sessionId}`, { type: 'close', reason: 'worker-lost' }, origin, { where });
};

const open = async (
  { pool, prepareDirectory }: SessionDeps,
  task: Task,
  sessionId: SessionId,
  prior: Session | undefined,
  signal: AbortSignal,
): Promise<HeldSession> => {
  const workDirectory = await prepareDirectory(sessionId, task, signal);
  const generation = (prior?.generation ?? 0) + 1;
  const resume = prior ? { resume: prior.agentSessionId } : {};
  return pool.open({ sessionId, generation, owner: task.owner, workDirectory, ...resume }, signal);
};

const readPrior = async ({ readRow }: SessionDeps, sessionId: SessionId): Promise<Session | undefined> => {
  const stored = await readRow(`session/${sessionId}`);
  return stored && Session.parse(stored.row);
};

/** A session: one conversation, its work directory and the agent process that hosts it. Facts, fold, decisions. */
import { z } from 'zod';
import { accept, reject } from './decider.ts';
import type { Absent, Decider, Decision } from './decider.ts';
import { factSchema, recordedParser, rootOf } from './envelope.ts';
import type { Recorded } from './envelope.ts';
import { AccountId, SessionId, TaskId, WorkerId } from './ids.ts';

/** The protocol the agent process speaks. */
export const AgentDialect = z.enum(['acp', 'kiro-v2', 'kiro-v3', 'stream-json']);
export type AgentDialect = z.infer<typeof AgentDialect>;

export const CloseReason = z.enum(['idle', 'failed', 'recycled', 'shutdown', 'requested', 'worker-lost']);
export type CloseReason = z.infer<typeof CloseReason>;

const hosting = z.object({
  owner: AccountId,
  workerId: WorkerId,
  /** 0 where the agent has a process only while it works. */
  processId: z.int().nonnegative(),
  agent: z.object({ name: z.string(), version: z.string(), dialect: AgentDialect }),
  /** The agent's own name of the conversation, by which it can be taken up again. */
  agentSessionId: z.string(),
  workDirectory: z.string().min(1),
});
/** Counts the processes that hosted the conversation: the token that an older host no longer holds. */
const generation = z.int().positive();
const contextPercent = z.number().nonnegative();

const created = factSchema('SessionCreated', 1, 'A worker hosts the conversation with a new agent process.', {
  generation,
  ...hosting.shape,
});
const activated = factSchema('SessionActivated', 1, 'The session works on a task.', { taskId: TaskId });
const idled = factSchema('SessionIdled', 1, 'The turn is over and the agent process waits for the next.', {
  contextPercent: contextPercent.optional(),
});
const closed = factSchema('SessionClosed', 1, 'The agent process is gone; the conversation can go on in another.', {
  reason: CloseReason,
});

export const SessionEvent = z.discriminatedUnion('type', [created, activated, idled, closed]);
export type SessionEvent = z.infer<typeof SessionEvent>;
export type StoredSessionEvent = Recorded<SessionEvent>;
export const parseSessionEvent = recordedParser(SessionEvent);

export const SessionStatus = z.enum(['created', 'active', 'idle', 'closed']);
export type SessionStatus = z.infer<typeof SessionStatus>;

/** More tasks than this would make the row grow with every turn; the stream names them all. */
export const taskIdsMax = 50;

/** The fold, and the row that readers see. Times are milliseconds since 1970. */
export const Session = hosting.extend({
  sessionId: SessionId,
  status: SessionStatus,
  generation,
  /** When the conversation began, whichever process hosted it then. */
  createdAt: z.int(),
  lastActivity: z.int(),
  /** Turns that came to their end, over all generations. */
  tasksProcessed: z.int().nonnegative(),
  /** The newest, oldest first. */
  taskIds: z.array(TaskId).max(taskIdsMax),
  /** Only while active. */
  taskId: TaskId.optional(),
  contextPercent: contextPercent.optional(),
  closedAt: z.int().optional(),
  closeReason: CloseReason.optional(),
});
export type Session = z.infer<typeof Session>;
export type SessionState = Session | Absent;

const begin = (state: SessionState, fact: Extract<StoredSessionEvent, { type: 'SessionCreated' }>): Session => {
  const at = Date.parse(fact.at);
  const past = state.status === 'absent' ? { createdAt: at, tasksProcessed: 0, taskIds: [] } : state;
  return {
    ...hosting.parse(fact),
    sessionId: SessionId.parse(rootOf(fact.stream)),
    status: 'created',
    generation: fact.generation,
    createdAt: past.createdAt,
    lastActivity: at,
    tasksProcessed: past.tasksProcessed,
    taskIds: past.taskIds,
  };
};

const evolve = (state: SessionState, stored: StoredSessionEvent): Session => {
  if (stored.type === 'SessionCreated') return begin(state, stored);
  if (state.status === 'absent') throw new Error(`${stored.stream} starts with ${stored.type}`);
  const lastActivity = Date.parse(stored.at);
  const { taskId: _, ...session } = state;
  switch (stored.type) {
    case 'SessionActivated': {
      const { taskId } = stored;
      const taskIds = [...session.taskIds.filter((earlier) => earlier !== taskId), taskId].slice(-taskIdsMax);
      return { ...session, status: 'active', taskId, taskIds, lastActivity };
    }
    case 'SessionIdled': {
      const context = stored.contextPercent === undefined ? {} : { contextPercent: stored.contextPercent };
      return { ...session, ...context, status: 'idle', tasksProcessed: session.tasksProcessed + 1, lastActivity };
    }
    case 'SessionClosed':
      return { ...session, status: 'closed', lastActivity, closedAt: lastActivity, closeReason: stored.reason };
  }
};

/** What a worker says to show that the session is still its own. */
export type SessionHolder = { workerId: WorkerId; generation: number };

export type SessionCommand =
  | ({ type: 'create' } & z.infer<typeof hosting>)
  | ({ type: 'activate'; taskId: TaskId } & SessionHolder)
  | ({ type: 'idle'; contextPercent?: number } & SessionHolder)
  /** A worker closes as the holder; a request or the reconciler, which hold nothing, close without. */
  | { type: 'close'; reason: CloseReason; holder?: SessionHolder };

export type SessionRefusal =
  'no-such-session' | 'not-yours' | 'already-open' | 'not-this-holder' | 'session-busy' | 'session-closed';
type SessionDecision = Decision<SessionEvent, SessionRefusal>;

/** A closed session may be created again by its owner: that is how a conversation goes on after its process is gone. */
const create = (state: SessionState, command: Extract<SessionCommand, { type: 'create' }>): SessionDecision => {
  const fact = { type: 'SessionCreated', v: 1, ...hosting.parse(command) } as const;
  if (state.status === 'absent') return accept({ ...fact, generation: 1 });
  if (state.owner !== command.owner) return reject('not-yours');
  if (state.status === 'closed') return accept({ ...fact, generation: state.generation + 1 });
  const isSame = (['workerId', 'processId', 'agentSessionId'] as const).every(
    (field) => state[field] === command[field],
  );
  return isSame ? accept() : reject('already-open');
};

const holds = ({ workerId, generation }: SessionHolder, session: Session): boolean =>
  session.workerId === workerId && session.generation === generation;

const decideTurn = (session: Session, command: Extract<SessionCommand, SessionHolder>): SessionDecision => {
  if (!holds(command, session)) return reject('not-this-holder');
  if (session.status === 'closed') return reject('session-closed');
  switch (command.type) {
    case 'activate': {
      const { taskId } = command;
      if (session.status !== 'active') return accept({ type: 'SessionActivated', v: 1, taskId });
      return session.taskId === taskId ? accept() : reject('session-busy');
    }
    case 'idle': {
      if (session.status !== 'active') return accept();
      const context = command.contextPercent === undefined ? {} : { contextPercent: command.contextPercent };
      return accept({ type: 'SessionIdled', v: 1, ...context });
    }
  }
};

const decide = (state: SessionState, command: SessionCommand): SessionDecision => {
  if (command.type === 'create') return create(state, command);
  if (state.status === 'absent') return reject('no-such-session');
  if (command.type !== 'close') return decideTurn(state, command);
  const { reason, holder } = command;
  if (holder !== undefined && !holds(holder, state)) return reject('not-this-holder');
  if (state.status === 'closed') return accept();
  // A request may not take a turn from under the agent; cancelling its task comes first.
  if (reason === 'requested' && state.status === 'active') return reject('session-busy');
  return accept({ type: 'SessionClosed', v: 1, reason });
};

export const session: Decider<Session, SessionEvent, StoredSessionEvent, SessionCommand, SessionRefusal> = {
  evolve,
  decide,
};

/** What this worker says about the sessions it holds. Said in order, behind the work: a turn never waits for its own book-keeping. */
import type { SessionId, TaskId, WorkerId } from '#events/ids.ts';
import type { CloseReason, Session, SessionCommand, SessionRefusal } from '#events/session.ts';
import type { Handle } from '#platform/handle.ts';
import type { Log } from '#platform/log.ts';
import type { MarkRow, Origin } from '#platform/store.ts';
import type { HeldSession } from './pool.ts';

export type SessionFacts = {
  readonly opened: (session: HeldSession) => void;
  readonly activated: (session: HeldSession, taskId: TaskId) => void;
  readonly idled: (session: HeldSession, contextPercent: number | undefined) => void;
  readonly closed: (session: HeldSession, reason: CloseReason) => void;
  /** Resolves when everything said so far about the session, or about all of them, is stored or given up. */
  readonly settled: (sessionId?: SessionId) => Promise<void>;
  /** Shows that the holder lives; an open session without such a mark is closed by the reconciler. False when it is ours no more. */
  readonly touch: (session: HeldSession) => Promise<boolean>;
};

type Send = (sessionId: SessionId, command: SessionCommand) => Promise<void>;

/** One after another within a session; sessions do not wait for each other. */
const inOrder = (send: Send) => {
  const said = new Map<SessionId, Promise<void>>();
  return {
    say: (sessionId: SessionId, command: SessionCommand): void => {
      const sent = (said.get(sessionId) ?? Promise.resolve()).then(() => send(sessionId, command));
      said.set(sessionId, sent);
      void sent.then(() => said.get(sessionId) === sent && said.delete(sessionId));
    },
    settled: async (sessionId?: SessionId): Promise<void> => {
      await (sessionId === undefined ? Promise.all(said.values()) : said.get(sessionId));
    },
  };
};

/** `send` that never rejects: a row that stays behind is closed by the reconciler, and no task depends on it. */
const sender =
  (
    handleSession: Handle<Session, SessionCommand, SessionRefusal>,
    origin: Origin,
    clock: () => number,
    log: Log,
  ): Send =>
  async (sessionId, command) => {
    try {
      const handled = await handleSession(`session/${sessionId}`, command, origin, { marks: { heartbeatAt: clock() } });
      if (handled.outcome !== 'refused') return;
      log.problem('session.refused', { sessionId, command: command.type, refusal: handled.refusal });
    } catch (fault) {
      log.problem('session.not-recorded', { sessionId, command: command.type, reason: String(fault) });
    }
  };

export const sessionFacts = (
  handleSession: Handle<Session, SessionCommand, SessionRefusal>,
  markRow: MarkRow,
  workerId: WorkerId,
  clock: () => number,
  log: Log,
): SessionFacts => {
  const origin: Origin = { actor: `worker:${workerId}`, correlationId: workerId };
  const { say, settled } = inOrder(sender(handleSession, origin, clock, log));
  const holder = ({ generation }: HeldSession) => ({ workerId, generation });
  return {
    opened: ({ sessionId, owner, agent, conversation, workDirectory }) => {
      const { name, version, dialect, pid } = agent.info;
      const hosting = { owner, workerId, processId: pid, agentSessionId: conversation.id, workDirectory };
      say(sessionId, { type: 'create', ...hosting, agent: { name, version, dialect } });
    },
    activated: (session, taskId) => say(session.sessionId, { type: 'activate', taskId, ...holder(session) }),
    idled: (session, contextPercent) => {
      const context = contextPercent === undefined ? {} : { contextPercent };
      say(session.sessionId, { type: 'idle', ...context, ...holder(session) });
    },
    closed: (session, reason) => say(session.sessionId, { type: 'close', reason, holder: holder(session) }),
    settled,
    touch: async ({ sessionId, generation }) => {
      const where = [
        { field: 'workerId', is: 'equal', to: workerId },
        { field: 'generation', is: 'equal', to: generation },
        { field: 'closedAt', is: 'absent' },
      ] as const;
      await settled(sessionId);
      return (await markRow(`session/${sessionId}`, { heartbeatAt: clock() }, where)) === 'marked';
    },
  };
};

/** What a worker hears in the log: cancels of what it runs, the next prompts of conversations it holds, closings of its sessions. */
import { rootOf } from '#events/envelope.ts';
import { SessionId, TaskId } from '#events/ids.ts';
import { parseSessionEvent } from '#events/session.ts';
import { Task } from '#events/task.ts';
import type { Commit, ReadRow } from '#platform/store.ts';
import type { SessionPool } from './pool.ts';
import type { TaskRuns } from './run-task.ts';
import type { Offers } from './work-loop.ts';

export type HearDeps = {
  readonly readRow: ReadRow;
  readonly runs: Pick<TaskRuns, 'cancel'>;
  readonly pool: Pick<SessionPool, 'holds' | 'close' | 'sessions'>;
  readonly offers: Offers;
};

/** Nothing here is work that must not be lost: what is missed, the reconciler finds. */
export const hear = async ({ readRow, runs, pool, offers }: HearDeps, { stream, facts }: Commit): Promise<void> => {
  for (const fact of facts) {
    switch (fact.type) {
      case 'TaskCancelRequested':
        runs.cancel(TaskId.parse(rootOf(stream)));
        break;
      case 'TaskSubmitted':
      case 'TaskRetried':
        if (pool.sessions.length > 0 && (await belongsHere(readRow, pool, stream))) offers.add(stream);
        break;
      case 'SessionClosed': {
        const sessionId = SessionId.parse(rootOf(stream));
        const closed = parseSessionEvent(fact);
        if (closed.type === 'SessionClosed' && closed.reason === 'requested')
          await pool.close(sessionId, closed.reason);
        break;
      }
    }
  }
};

const belongsHere = async (readRow: ReadRow, pool: HearDeps['pool'], stream: Commit['stream']): Promise<boolean> => {
  const stored = await readRow(stream);
  const { sessionId } = stored ? Task.parse(stored.row) : {};
  return sessionId !== undefined && pool.holds(sessionId);
};

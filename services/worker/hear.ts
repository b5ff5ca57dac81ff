/** What a worker hears in the log: cancels of what it runs, the next prompts of conversations it holds, closings of its sessions. */
import { rootOf } from '#events/envelope.ts';
import { SessionId, TaskId } from '#events/ids.ts';
import { CloseReason } from '#events/session.ts';
import type { Commit, StoredFact } from '#platform/store.ts';
import { z } from 'zod';
import type { SessionPool } from './pool.ts';
import type { TaskRuns } from './run-task.ts';
import type { Offers } from './work-loop.ts';

export type HearDeps = {
  readonly runs: Pick<TaskRuns, 'cancel'>;
  readonly pool: Pick<SessionPool, 'holds' | 'close'>;
  readonly offers: Pick<Offers, 'add'>;
};

const Waiting = z.object({ sessionId: SessionId.optional() });
const Closed = z.object({ reason: CloseReason });

/** Nothing here is work that must not be lost: what is missed, the reconciler finds. */
export const hear = async (deps: HearDeps, { stream, facts }: Commit): Promise<void> => {
  for (const fact of facts) await hearFact(deps, stream, fact);
};

const hearFact = async (
  { runs, pool, offers }: HearDeps,
  stream: Commit['stream'],
  fact: StoredFact,
): Promise<void> => {
  switch (fact.type) {
    case 'TaskCancelRequested':
      runs.cancel(TaskId.parse(rootOf(stream)));
      break;
    case 'TaskSubmitted':
    case 'TaskRetried': {
      // Other workers leave it to us.
      const { sessionId } = Waiting.parse(fact);
      if (sessionId !== undefined && pool.holds(sessionId)) offers.add(stream);
      break;
    }
    case 'SessionClosed':
      if (Closed.parse(fact).reason === 'requested') await pool.close(SessionId.parse(rootOf(stream)), 'requested');
      break;
  }
};

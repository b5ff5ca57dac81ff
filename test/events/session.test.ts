import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { catalog } from '#events/catalog.ts';
import { CloseReason, session, taskIdsMax } from '#events/session.ts';
import type { Session, SessionCommand, SessionEvent } from '#events/session.ts';
import { foldOf, given } from '#test/support/given.ts';
import { owner, sessionId, stranger, taskId, workerId } from '#test/support/ids.ts';
import { laws } from '#test/support/laws.ts';
import type { Step } from '#test/support/laws.ts';

const stream = `session/${sessionId(1)}` as const;
const at = (n: number): number => Date.UTC(2026, 0, 1) + n * 1000;

const hosting = {
  owner,
  workerId: workerId(1),
  processId: 4711,
  agent: { name: 'demo', version: '1.0.0', dialect: 'acp' },
  agentSessionId: 'conversation-1',
  workDirectory: '/sessions/1',
} as const;
const holder = { workerId: workerId(1), generation: 1 };
const elsewhere = { ...hosting, workerId: workerId(2), processId: 4712 };

const created = { type: 'SessionCreated', v: 1, generation: 1, ...hosting } as const;
const activated = { type: 'SessionActivated', v: 1, taskId: taskId(1) } as const;
const idled = { type: 'SessionIdled', v: 1 } as const;
const closed = { type: 'SessionClosed', v: 1, reason: 'idle' } as const;
const createdAgain = { ...created, ...elsewhere, generation: 2 };

const history = (...facts: SessionEvent[]) => given(session, stream, ...facts);

describe('a session', () => {
  it('is created by the worker that hosts its agent', () => {
    history()
      .when({ type: 'create', ...hosting })
      .then(created);
  });
  it('is created once, however often its worker says so', () => {
    history(created, activated)
      .when({ type: 'create', ...hosting })
      .then();
  });
  it('is not taken over while it is open', () => {
    history(created)
      .when({ type: 'create', ...elsewhere })
      .refused('already-open');
    history(created)
      .when({ type: 'create', ...hosting, processId: 4712 })
      .refused('already-open');
  });
  it('goes on in another process, as another generation, after it was closed', () => {
    history(created, closed)
      .when({ type: 'create', ...elsewhere })
      .then(createdAgain);
  });
  it('goes on for nobody but its owner', () => {
    history(created, closed)
      .when({ type: 'create', ...hosting, owner: stranger })
      .refused('not-yours');
    history(created)
      .when({ type: 'create', ...hosting, owner: stranger })
      .refused('not-yours');
  });

  it('works on one task at a time', () => {
    history(created)
      .when({ type: 'activate', taskId: taskId(1), ...holder })
      .then(activated);
    history(created, activated)
      .when({ type: 'activate', taskId: taskId(1), ...holder })
      .then();
    history(created, activated)
      .when({ type: 'activate', taskId: taskId(2), ...holder })
      .refused('session-busy');
  });
  it('waits for the next task when a turn is over', () => {
    history(created, activated)
      .when({ type: 'idle', contextPercent: 12.5, ...holder })
      .then({ ...idled, contextPercent: 12.5 });
    history(created, activated)
      .when({ type: 'idle', ...holder })
      .then(idled);
    history(created, activated, idled)
      .when({ type: 'idle', ...holder })
      .then();
    history(created)
      .when({ type: 'idle', ...holder })
      .then();
  });
  it('listens only to the worker and the generation that host it', () => {
    for (const other of [
      { ...holder, workerId: workerId(2) },
      { ...holder, generation: 2 },
    ]) {
      history(created)
        .when({ type: 'activate', taskId: taskId(1), ...other })
        .refused('not-this-holder');
      history(created, activated)
        .when({ type: 'idle', ...other })
        .refused('not-this-holder');
      history(created).when({ type: 'close', reason: 'idle', holder: other }).refused('not-this-holder');
    }
    history(created, closed, createdAgain)
      .when({ type: 'activate', taskId: taskId(1), ...holder })
      .refused('not-this-holder');
  });
  it('does not work while it is closed', () => {
    history(created, closed)
      .when({ type: 'activate', taskId: taskId(1), ...holder })
      .refused('session-closed');
    history(created, activated, closed)
      .when({ type: 'idle', ...holder })
      .refused('session-closed');
  });

  it('is closed once, with a reason', () => {
    for (const reason of CloseReason.options) {
      history(created, activated, idled)
        .when({ type: 'close', reason })
        .then({ ...closed, reason });
      history(created, activated, idled)
        .when({ type: 'close', reason, holder })
        .then({ ...closed, reason });
    }
    history(created, closed).when({ type: 'close', reason: 'shutdown' }).then();
  });
  it('is not closed on request in the middle of a turn', () => {
    history(created, activated).when({ type: 'close', reason: 'requested' }).refused('session-busy');
    history(created, activated)
      .when({ type: 'close', reason: 'worker-lost' })
      .then({ ...closed, reason: 'worker-lost' });
  });
  it('must exist before anything can be said of it', () => {
    history()
      .when({ type: 'activate', taskId: taskId(1), ...holder })
      .refused('no-such-session');
    history()
      .when({ type: 'idle', ...holder })
      .refused('no-such-session');
    history().when({ type: 'close', reason: 'idle' }).refused('no-such-session');
  });

  it('shows the task it works on, and only then', () => {
    const row = { sessionId: sessionId(1), generation: 1, ...hosting, createdAt: at(0), taskIds: [taskId(1)] };
    assert.deepEqual(foldOf(session, stream, [created, activated]), {
      ...row,
      ...{ status: 'active', taskId: taskId(1), tasksProcessed: 0, lastActivity: at(1) },
    });
    assert.deepEqual(foldOf(session, stream, [created, activated, { ...idled, contextPercent: 40 }]), {
      ...row,
      ...{ status: 'idle', contextPercent: 40, tasksProcessed: 1, lastActivity: at(2) },
    });
    assert.deepEqual(foldOf(session, stream, [created, activated, closed]), {
      ...row,
      ...{ status: 'closed', tasksProcessed: 0, lastActivity: at(2), closedAt: at(2), closeReason: 'idle' },
    });
  });
  it('keeps its past, and nothing of the process that is gone, when it goes on', () => {
    const past = [created, activated, { ...idled, contextPercent: 40 }, closed];
    assert.deepEqual(foldOf(session, stream, [...past, createdAgain]), {
      ...{ sessionId: sessionId(1), generation: 2, ...elsewhere, createdAt: at(0), lastActivity: at(4) },
      ...{ status: 'created', tasksProcessed: 1, taskIds: [taskId(1)] },
    });
  });
  it('names its newest tasks, each once, oldest first', () => {
    const turn = (n: number) => [{ ...activated, taskId: taskId(n) }, idled];
    const turns = Array.from({ length: taskIdsMax + 2 }, (_, index) => index + 1);
    const state = foldOf(session, stream, [created, ...turns.flatMap(turn), ...turn(3), ...turn(20)]);
    assert.ok(state.status === 'idle');
    const expected = [...turns.slice(2).filter((n) => n !== 3 && n !== 20), 3, 20];
    assert.deepEqual(state.taskIds, expected.map(taskId));
    assert.equal(state.tasksProcessed, taskIdsMax + 4);
  });
});

describe('the laws of a session', () => {
  const anyone = { workerId: fc.constantFrom(workerId(1), workerId(2)), generation: fc.integer({ min: 1, max: 3 }) };
  const reason = fc.constantFrom(...CloseReason.options);
  const command: fc.Arbitrary<SessionCommand> = fc.oneof(
    fc.record({
      ...{ type: fc.constant('create'), owner: fc.constantFrom(owner, owner, stranger), workerId: anyone.workerId },
      ...{ processId: fc.constantFrom(1, 2), agent: fc.constant(hosting.agent) },
      ...{ agentSessionId: fc.string(), workDirectory: fc.constant('/work') },
    }),
    fc.record({ type: fc.constant('activate'), taskId: fc.integer({ min: 1, max: 60 }).map(taskId), ...anyone }),
    fc.record({ type: fc.constant('idle'), ...anyone }),
    fc.record({ type: fc.constant('idle'), contextPercent: fc.integer({ min: 0, max: 120 }), ...anyone }),
    fc.record({ type: fc.constant('close'), reason }),
    fc.record({ type: fc.constant('close'), reason, holder: fc.record(anyone) }),
  );
  /** Half of those who speak for the session are the worker that hosts it. */
  const step = fc.tuple(command, fc.boolean()).map(([each, honest]): Step<Session, SessionCommand> => (state) => {
    if (!honest || state.status === 'absent' || !('generation' in each)) return each;
    return { ...each, workerId: state.workerId, generation: state.generation };
  });
  const { always } = laws({ aggregate: catalog.session, stream, step });

  it('generations are dense from 1, and the owner stays', () =>
    always(({ history }) => {
      const born = history.filter((fact) => fact.type === 'SessionCreated');
      assert.deepEqual(
        born.map(({ generation }) => generation),
        born.map((_, index) => index + 1),
      );
      assert.ok(new Set(born.map((fact) => fact.owner)).size <= 1);
    }));
});

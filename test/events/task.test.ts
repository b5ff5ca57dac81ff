import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { catalog } from '#events/catalog.ts';
import { InterruptCause, task } from '#events/task.ts';
import type { Task, TaskCommand, TaskEvent } from '#events/task.ts';
import { timeOf } from '#events/ids.ts';
import { foldOf, given } from '#test/support/given.ts';
import { owner, sessionId, taskId, workerId } from '#test/support/ids.ts';
import { laws } from '#test/support/laws.ts';
import type { Step } from '#test/support/laws.ts';

const stream = `task/${taskId(1)}` as const;
const at = (n: number): number => Date.UTC(2026, 0, 1) + n * 1000;

const submission = {
  owner,
  prompt: { kind: 'inline', text: 'say hello' },
  priority: 'normal',
  timeoutMs: 300_000,
  attemptsMax: 2,
} as const;
const on = { workerId: workerId(1), sessionId: sessionId(1) };
const elsewhere = { workerId: workerId(2), sessionId: sessionId(2) };
const error = { class: 'worker-lost', message: 'no heartbeat', remedy: 'none', retryable: true } as const;
const text = { kind: 'text', text: 'hello' } as const;
const result = { kind: 'inline', text: 'hello' } as const;

const submitted = { type: 'TaskSubmitted', v: 1, ...submission } as const;
const started = { type: 'TaskStarted', v: 1, attempt: 1, ...on } as const;
const startedAgain = { type: 'TaskStarted', v: 1, attempt: 2, ...elsewhere } as const;
const progressed: Extract<TaskEvent, { type: 'TaskProgressed' }> = {
  type: 'TaskProgressed',
  v: 1,
  attempt: 1,
  seq: 1,
  updates: [text],
};
const cancelRequested = { type: 'TaskCancelRequested', v: 1 } as const;
const interrupted = { type: 'TaskInterrupted', v: 1, attempt: 1, cause: 'worker-lost', error } as const;
const retried = { type: 'TaskRetried', v: 1, failures: 1, priority: 'normal' } as const;
const completed = { type: 'TaskCompleted', v: 1, attempt: 1, result, stopReason: 'end_turn' } as const;
const failed = { type: 'TaskFailed', v: 1, attempt: 1, error } as const;
const cancelled = { type: 'TaskCancelled', v: 1, attempt: 1 } as const;

const progress = (attempt: number, seq: number): TaskCommand => ({ type: 'progress', attempt, seq, updates: [text] });
const interrupt = (attempt: number, cause: InterruptCause): TaskCommand => ({
  type: 'interrupt',
  attempt,
  cause,
  error,
});
const complete = (attempt: number): TaskCommand => ({ type: 'complete', attempt, result, stopReason: 'end_turn' });

const history = (...facts: TaskEvent[]) => given(task, stream, ...facts);
const outcomes = [completed, failed, cancelled] as const;

describe('a task', () => {
  it('is submitted once', () => {
    history()
      .when({ type: 'submit', ...submission })
      .then(submitted);
    history(submitted)
      .when({ type: 'submit', ...submission })
      .refused('already-submitted');
  });
  it('is started by one worker, however often it says so', () => {
    history(submitted)
      .when({ type: 'start', ...on })
      .then(started);
    history(submitted, started)
      .when({ type: 'start', ...on })
      .then();
    for (const other of [elsewhere, { ...on, workerId: workerId(2) }, { ...on, sessionId: sessionId(2) }]) {
      history(submitted, started)
        .when({ type: 'start', ...other })
        .refused('already-running');
    }
  });
  it('is not started again when it is over', () => {
    for (const outcome of outcomes) {
      history(submitted, started, outcome)
        .when({ type: 'start', ...on })
        .refused('already-over');
    }
  });
  it('takes each report once, in the order of its numbers', () => {
    history(submitted, started).when(progress(1, 1)).then(progressed);
    history(submitted, started, progressed).when(progress(1, 1)).then();
    history(submitted, started, progressed)
      .when(progress(1, 2))
      .then({ ...progressed, seq: 2 });
  });
  it('hears nothing of an attempt that was taken from its worker', () => {
    const past = history(submitted, started, interrupted, retried, startedAgain);
    past.when(progress(1, 2)).refused('not-this-attempt');
    past.when(interrupt(1, 'agent-failed')).refused('not-this-attempt');
    past.when(complete(1)).refused('not-this-attempt');
    past.when({ type: 'fail', attempt: 1, error }).refused('not-this-attempt');
    past.when({ type: 'confirm-cancel', attempt: 1 }).refused('not-this-attempt');
    history(submitted, started, interrupted, retried).when(progress(1, 2)).refused('not-this-attempt');
  });

  it('is tried again when an attempt is interrupted', () => {
    history(submitted, started).when(interrupt(1, 'worker-lost')).then(interrupted, retried);
    history(submitted, started, interrupted, retried).when(interrupt(1, 'worker-lost')).then();
    history(submitted, started, interrupted, retried)
      .when({ type: 'start', ...elsewhere })
      .then(startedAgain);
  });
  it('fails when its last attempt is interrupted', () => {
    history(submitted, started, interrupted, retried, startedAgain)
      .when(interrupt(2, 'worker-lost'))
      .then({ ...interrupted, attempt: 2 }, { ...failed, attempt: 2 });
  });
  it('loses no attempt to a worker that shuts down', () => {
    history({ ...submitted, attemptsMax: 1 }, started)
      .when(interrupt(1, 'shutdown'))
      .then({ ...interrupted, cause: 'shutdown' }, { ...retried, failures: 0 });
  });
  it('is cancelled, not tried again, when an attempt is interrupted after a cancel was asked for', () => {
    history(submitted, started, cancelRequested).when(interrupt(1, 'worker-lost')).then(interrupted, cancelled);
  });

  it('is cancelled at once while it waits', () => {
    history(submitted)
      .when({ type: 'request-cancel', reason: 'typo' })
      .then({ ...cancelRequested, reason: 'typo' }, { ...cancelled, attempt: 0 });
  });
  it('is cancelled by its worker while it runs', () => {
    history(submitted, started).when({ type: 'request-cancel' }).then(cancelRequested);
    history(submitted, started, cancelRequested).when({ type: 'request-cancel' }).then();
    history(submitted, started, cancelRequested).when({ type: 'confirm-cancel', attempt: 1 }).then(cancelled);
    history(submitted, started, cancelRequested, cancelled).when({ type: 'confirm-cancel', attempt: 1 }).then();
  });
  it('is not cancelled by its worker unless somebody asked', () => {
    history(submitted, started).when({ type: 'confirm-cancel', attempt: 1 }).refused('not-cancelling');
  });
  it('is not cancelled when it is over', () => {
    history(submitted, started, completed).when({ type: 'request-cancel' }).refused('already-over');
    history(submitted, started, failed).when({ type: 'request-cancel' }).refused('already-over');
  });

  it('has the outcome that came first', () => {
    history(submitted, started).when(complete(1)).then(completed);
    history(submitted, started).when({ type: 'fail', attempt: 1, error }).then(failed);
    history(submitted, started, completed).when(complete(1)).then();
    history(submitted, started, failed).when({ type: 'fail', attempt: 1, error }).then();
    history(submitted, started, completed).when({ type: 'fail', attempt: 1, error }).refused('already-over');
    history(submitted, started, failed).when(complete(1)).refused('already-over');
    history(submitted, started, completed).when({ type: 'confirm-cancel', attempt: 1 }).refused('already-over');
    history(submitted, started, completed).when(interrupt(1, 'worker-lost')).then();
    history(submitted, started, completed).when(progress(1, 1)).refused('not-this-attempt');
  });
  it('must exist before anything can be said of it', () => {
    history()
      .when({ type: 'start', ...on })
      .refused('no-such-task');
    history().when({ type: 'request-cancel' }).refused('no-such-task');
    history().when(complete(1)).refused('no-such-task');
  });

  const row = { taskId: taskId(1), ...submission, createdAt: timeOf(taskId(1)), correlationId: 'test' };
  const noUsage = { credits: 0, inputTokens: 0, outputTokens: 0, agentMs: 0 };

  it('shows nothing of an attempt that ended once it waits again', () => {
    assert.deepEqual(foldOf(task, stream, [submitted, started, progressed, interrupted, retried]), {
      ...row,
      ...{ status: 'pending', continues: false, attempt: 1, failures: 1, seq: 0, usage: noUsage },
      ...{ pendingSince: at(4), pendingBy: '00000000-0000-7000-8000-000000000005' },
    });
  });
  it('waits again in the conversation that it was submitted to', () => {
    const continuing = { ...submitted, sessionId: sessionId(1) };
    assert.deepEqual(foldOf(task, stream, [continuing, started, interrupted, retried]), {
      ...{ ...row, status: 'pending', continues: true, sessionId: sessionId(1) },
      ...{ attempt: 1, failures: 1, seq: 0, usage: noUsage },
      ...{ pendingSince: at(3), pendingBy: '00000000-0000-7000-8000-000000000004' },
    });
  });
  it('adds up what its attempts used', () => {
    const used = (attempt: number, seq: number): TaskEvent => ({
      ...progressed,
      ...{ attempt, seq, updates: [{ kind: 'usage', credits: 0.1, inputTokens: 10, contextPercent: seq }] },
    });
    const facts = [submitted, started, used(1, 1), used(1, 2), interrupted, retried, startedAgain, used(2, 1)];
    const state = foldOf(task, stream, facts);
    assert.ok(state.status === 'processing');
    assert.deepEqual(state.usage, { ...noUsage, credits: 0.3, inputTokens: 30, contextPercent: 1 });
  });
});

describe('the laws of a task', () => {
  const attempt = fc.integer({ min: 1, max: 4 });
  const priority = fc.constantFrom('high', 'normal', 'low');
  const cause = fc.constantFrom(...InterruptCause.options);
  const workers = {
    workerId: fc.constantFrom(workerId(1), workerId(2)),
    sessionId: fc.constantFrom(sessionId(1), sessionId(2)),
  };
  const submit = fc
    .record({ priority, attemptsMax: fc.integer({ min: 1, max: 3 }), continued: fc.boolean() })
    .map(({ continued, ...given }): TaskCommand => ({
      ...{ type: 'submit', ...submission, ...given },
      ...(continued ? { sessionId: sessionId(1) } : {}),
    }));
  const command: fc.Arbitrary<TaskCommand> = fc.oneof(
    submit,
    fc.record({ type: fc.constant('start'), ...workers }),
    fc.tuple(attempt, fc.integer({ min: 1, max: 5 })).map(([of, seq]) => progress(of, seq)),
    fc.tuple(attempt, cause).map(([of, why]) => interrupt(of, why)),
    attempt.map(complete),
    fc.record({ type: fc.constant('fail'), attempt, error: fc.constant(error) }),
    fc.record({ type: fc.constant('confirm-cancel'), attempt }),
    fc.constant<TaskCommand>({ type: 'request-cancel' }),
  );
  /** Half of those who speak for an attempt are the worker that runs it. */
  const step = fc.tuple(command, fc.boolean()).map(([each, honest]): Step<Task, TaskCommand> => (state) => {
    if (!honest || state.status === 'absent' || !('attempt' in each)) return each;
    return { ...each, attempt: state.attempt };
  });
  const { always } = laws({
    ...{ aggregate: catalog.task, stream, step },
    outcomes: ['TaskCompleted', 'TaskFailed', 'TaskCancelled'],
  });

  it('attempts are dense from 1, and only the last one speaks', () =>
    always(({ history }) => {
      let current = 0;
      for (const fact of history) {
        if (fact.type === 'TaskStarted') assert.equal(fact.attempt, ++current);
        else if ('attempt' in fact) assert.equal(fact.attempt, current);
      }
    }));

  it('no more attempts count as failures than the task allows', () =>
    always(({ state }) => {
      if (state.status !== 'absent') assert.ok(state.failures < state.attemptsMax);
    }));
});

/** The facts that tasks in these tests are made of. */
import type { ErrorClass } from '#events/error.ts';
import type { TaskEvent } from '#events/task.ts';
import type { TaskUpdate } from '#events/task-update.ts';
import { owner, sessionId, workerId } from '#test/support/ids.ts';

export const submitted = (prompt = 'Add a README.'): TaskEvent => ({
  ...{ type: 'TaskSubmitted', v: 1, owner, priority: 'normal', timeoutMs: 300_000, attemptsMax: 3 },
  prompt: { kind: 'inline', text: prompt },
});
export const started = (attempt = 1): TaskEvent => ({
  ...{ type: 'TaskStarted', v: 1, attempt, workerId: workerId(1), sessionId: sessionId(1) },
});
export const progressed = (seq: number, ...updates: TaskUpdate[]): TaskEvent => ({
  ...{ type: 'TaskProgressed', v: 1, attempt: 1, seq, updates },
});
export const said = (seq: number, text: string): TaskEvent => progressed(seq, { kind: 'text', text });
export const completed = (text = 'It is there.'): TaskEvent => ({
  ...{ type: 'TaskCompleted', v: 1, attempt: 1, result: { kind: 'inline', text }, stopReason: 'end_turn' },
});
export const failed = (errorClass: ErrorClass = 'agent-failed'): TaskEvent => ({
  ...{ type: 'TaskFailed', v: 1, attempt: 1 },
  error: { class: errorClass, message: 'The agent gave up.', remedy: 'Ask for less.', retryable: false },
});
export const cancelled: TaskEvent = { type: 'TaskCancelled', v: 1, attempt: 1 };

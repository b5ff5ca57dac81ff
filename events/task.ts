/** A task: one prompt, worked on by an agent until it has exactly one outcome. Facts, fold, decisions. */
import { z } from 'zod';
import { accept, reject } from './decider.ts';
import type { Absent, Decider, Decision } from './decider.ts';
import { factSchema, recordedParser, rootOf } from './envelope.ts';
import type { Recorded } from './envelope.ts';
import { TaskError } from './error.ts';
import { AccountId, SessionId, TaskId, timeOf, WorkerId } from './ids.ts';
import { Text } from './text.ts';
import { addUsage, noUsage, TaskUpdate, Usage } from './task-update.ts';

export const Priority = z.enum(['high', 'normal', 'low']);
export type Priority = z.infer<typeof Priority>;

export const Limits = z.object({ credits: z.number().positive().optional() });
export type Limits = z.infer<typeof Limits>;

const submission = z.object({
  owner: AccountId,
  prompt: Text,
  priority: Priority,
  /** The conversation to continue; without it the task gets a session of its own. */
  sessionId: SessionId.optional(),
  repository: z.string().optional(),
  ref: z.string().optional(),
  timeoutMs: z.int().positive(),
  attemptsMax: z.int().positive(),
  limits: Limits.optional(),
  metadata: z.record(z.string(), z.json()).optional(),
});
const attempt = z.int().positive();

export const InterruptCause = z.enum(['shutdown', 'worker-lost', 'agent-failed']);
export type InterruptCause = z.infer<typeof InterruptCause>;

const submitted = factSchema('TaskSubmitted', 1, 'A prompt was accepted and waits for a worker.', submission.shape);
const started = factSchema('TaskStarted', 1, 'A worker began an attempt on a session it holds.', {
  attempt,
  workerId: WorkerId,
  sessionId: SessionId,
});
const progressed = factSchema('TaskProgressed', 1, 'The agent said or did something.', {
  attempt,
  /** Counts the reports of one attempt from 1, so that a report sent twice is stored once. */
  seq: z.int().positive(),
  updates: z.array(TaskUpdate),
});
const cancelRequested = factSchema('TaskCancelRequested', 1, 'Somebody asked that the task stop.', {
  reason: z.string().optional(),
});
const interrupted = factSchema('TaskInterrupted', 1, 'An attempt ended without an outcome.', {
  attempt,
  cause: InterruptCause,
  error: TaskError,
});
/** Priority and conversation are said again, so that the fact leads to the right queue and the right worker by itself. */
const retried = factSchema('TaskRetried', 1, 'The task is back in the queue of its priority.', {
  failures: z.int().nonnegative(),
  priority: Priority,
  sessionId: SessionId.optional(),
});
const completed = factSchema('TaskCompleted', 1, 'Outcome: the agent ended its turn with this result.', {
  attempt,
  result: Text,
  stopReason: z.string(),
});
const failed = factSchema('TaskFailed', 1, 'Outcome: the task failed and is not tried again.', {
  attempt,
  error: TaskError,
});
const cancelled = factSchema('TaskCancelled', 1, 'Outcome: the task stopped because that was asked for.', {
  attempt: z.int().nonnegative(),
});

export const TaskEvent = z.discriminatedUnion('type', [
  submitted,
  started,
  progressed,
  cancelRequested,
  interrupted,
  retried,
  completed,
  failed,
  cancelled,
]);
export type TaskEvent = z.infer<typeof TaskEvent>;
export type StoredTaskEvent = Recorded<TaskEvent>;
export const parseTaskEvent = recordedParser(TaskEvent);

export const TaskStatus = z.enum(['pending', 'processing', 'completed', 'failed', 'cancelled']);
export type TaskStatus = z.infer<typeof TaskStatus>;

/** The fold, and the row that readers see. Times are milliseconds since 1970. */
export const Task = submission.extend({
  taskId: TaskId,
  createdAt: z.int(),
  status: TaskStatus,
  /** The conversation was asked for by the client, so every attempt belongs in it. */
  continues: z.boolean(),
  /** How often the task was started: the token that an older attempt no longer holds. */
  attempt: z.int().nonnegative(),
  /** Attempts that count against `attemptsMax`; an interruption by shutdown does not. */
  failures: z.int().nonnegative(),
  pendingSince: z.int(),
  /** The fact that put it in the queue last: what an attempt goes back to. */
  pendingBy: z.uuid(),
  workerId: WorkerId.optional(),
  startedAt: z.int().optional(),
  finishedAt: z.int().optional(),
  cancelRequestedAt: z.int().optional(),
  seq: z.int().nonnegative(),
  usage: Usage,
  result: Text.optional(),
  error: TaskError.optional(),
  correlationId: z.string(),
  traceparent: z.string().optional(),
});
export type Task = z.infer<typeof Task>;
export type TaskState = Task | Absent;

export const isOver = (task: Task): boolean => task.finishedAt !== undefined;

const begin = (fact: Extract<StoredTaskEvent, { type: 'TaskSubmitted' }>): Task => {
  const taskId = TaskId.parse(rootOf(fact.stream));
  return {
    ...submission.parse(fact),
    correlationId: fact.correlationId,
    ...(fact.traceparent === undefined ? {} : { traceparent: fact.traceparent }),
    taskId,
    createdAt: timeOf(taskId),
    status: 'pending',
    continues: fact.sessionId !== undefined,
    attempt: 0,
    failures: 0,
    pendingSince: Date.parse(fact.at),
    pendingBy: fact.id,
    seq: 0,
    usage: noUsage,
  };
};

/** What every attempt belongs in, where the client asked for it. */
const conversationOf = ({ continues, sessionId }: Task): { sessionId?: SessionId } =>
  continues && sessionId !== undefined ? { sessionId } : {};

/** Back in the queue: whatever belonged to the attempt that ended is gone. */
const waitAgain = (task: Task, failures: number, { at, id }: StoredTaskEvent): Task => {
  const { workerId, startedAt, sessionId, ...rest } = task;
  return {
    ...rest,
    ...conversationOf(task),
    status: 'pending',
    failures,
    pendingSince: Date.parse(at),
    pendingBy: id,
    seq: 0,
  };
};

const evolve = (state: TaskState, stored: StoredTaskEvent): Task => {
  if (stored.type === 'TaskSubmitted') return begin(stored);
  if (state.status === 'absent') throw new Error(`${stored.stream} starts with ${stored.type}`);
  const at = Date.parse(stored.at);
  switch (stored.type) {
    case 'TaskStarted': {
      const { attempt, workerId, sessionId } = stored;
      return { ...state, status: 'processing', attempt, workerId, sessionId, startedAt: at, seq: 0 };
    }
    case 'TaskProgressed':
      return { ...state, seq: stored.seq, usage: stored.updates.reduce(addUsage, state.usage) };
    case 'TaskCancelRequested':
      return { ...state, cancelRequestedAt: at };
    case 'TaskInterrupted':
      return state;
    case 'TaskRetried':
      return waitAgain(state, stored.failures, stored);
    case 'TaskCompleted':
      return { ...state, status: 'completed', finishedAt: at, result: stored.result };
    case 'TaskFailed':
      return { ...state, status: 'failed', finishedAt: at, error: stored.error };
    case 'TaskCancelled':
      return { ...state, status: 'cancelled', finishedAt: at };
  }
};

export type TaskCommand =
  | ({ type: 'submit' } & z.infer<typeof submission>)
  | { type: 'start'; workerId: WorkerId; sessionId: SessionId }
  | { type: 'progress'; attempt: number; seq: number; updates: TaskUpdate[] }
  | { type: 'request-cancel'; reason?: string }
  | { type: 'interrupt'; attempt: number; cause: InterruptCause; error: TaskError }
  | { type: 'complete'; attempt: number; result: Text; stopReason: string }
  | { type: 'fail'; attempt: number; error: TaskError }
  | { type: 'confirm-cancel'; attempt: number };

export type TaskRefusal =
  'no-such-task' | 'already-submitted' | 'already-running' | 'already-over' | 'not-this-attempt' | 'not-cancelling';
type TaskDecision = Decision<TaskEvent, TaskRefusal>;

/** An interrupted attempt leads to cancel, another attempt, or failure, in the same breath: no task is left in between. */
const interrupt = (
  task: Task,
  { attempt, cause, error }: Extract<TaskCommand, { type: 'interrupt' }>,
): TaskDecision => {
  const fact = { type: 'TaskInterrupted', v: 1, attempt, cause, error } as const;
  if (task.cancelRequestedAt !== undefined) return accept(fact, { type: 'TaskCancelled', v: 1, attempt });
  const failures = task.failures + (cause === 'shutdown' ? 0 : 1);
  if (failures < task.attemptsMax) {
    return accept(fact, { type: 'TaskRetried', v: 1, failures, priority: task.priority, ...conversationOf(task) });
  }
  return accept(fact, { type: 'TaskFailed', v: 1, attempt, error });
};

/** What only the worker that runs the attempt may say; a worker whose attempt was taken from it is refused. */
const decideAttempt = (task: Task, command: Extract<TaskCommand, { attempt: number }>): TaskDecision => {
  if (command.attempt !== task.attempt) return reject('not-this-attempt');
  const { attempt } = command;
  const running = task.status === 'processing';
  switch (command.type) {
    case 'progress':
      if (running && command.seq <= task.seq) return accept();
      if (!running) return reject('not-this-attempt');
      return accept({ type: 'TaskProgressed', v: 1, attempt, seq: command.seq, updates: command.updates });
    case 'interrupt':
      return running ? interrupt(task, command) : accept();
    case 'complete':
      if (task.status === 'completed') return accept();
      if (!running) return reject('already-over');
      return accept({ type: 'TaskCompleted', v: 1, attempt, result: command.result, stopReason: command.stopReason });
    case 'fail':
      if (task.status === 'failed') return accept();
      return running ? accept({ type: 'TaskFailed', v: 1, attempt, error: command.error }) : reject('already-over');
    case 'confirm-cancel':
      if (task.status === 'cancelled') return accept();
      if (!running) return reject('already-over');
      return task.cancelRequestedAt === undefined
        ? reject('not-cancelling')
        : accept({ type: 'TaskCancelled', v: 1, attempt });
  }
};

const requestCancel = (task: Task, reason: string | undefined): TaskDecision => {
  if (task.cancelRequestedAt !== undefined) return accept();
  if (isOver(task)) return reject('already-over');
  const fact = { type: 'TaskCancelRequested', v: 1, ...(reason === undefined ? {} : { reason }) } as const;
  return task.status === 'pending'
    ? accept(fact, { type: 'TaskCancelled', v: 1, attempt: task.attempt })
    : accept(fact);
};

const decide = (state: TaskState, command: TaskCommand): TaskDecision => {
  if (command.type === 'submit') {
    return state.status === 'absent'
      ? accept({ type: 'TaskSubmitted', v: 1, ...submission.parse(command) })
      : reject('already-submitted');
  }
  if (state.status === 'absent') return reject('no-such-task');
  if (command.type === 'request-cancel') return requestCancel(state, command.reason);
  if (command.type !== 'start') return decideAttempt(state, command);
  const { workerId, sessionId } = command;
  if (isOver(state)) return reject('already-over');
  if (state.status === 'pending')
    return accept({ type: 'TaskStarted', v: 1, attempt: state.attempt + 1, workerId, sessionId });
  return state.workerId === workerId && state.sessionId === sessionId ? accept() : reject('already-running');
};

export const task: Decider<Task, TaskEvent, StoredTaskEvent, TaskCommand, TaskRefusal> = { evolve, decide };

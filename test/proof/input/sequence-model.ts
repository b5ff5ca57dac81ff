/** What clients may expect after any sequence of requests: a model so simple that it is seen to be right. */
import type { TaskId } from '#events/ids.ts';

type Status = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';
type Fact = { readonly type: string; readonly status: Status };

export type ModelTask = {
  readonly taskId: TaskId;
  readonly message: string;
  /** In order; the version of the task is how many there are. */
  readonly facts: Fact[];
  attempt: number;
  seq: number;
  failures: number;
  isCancelling: boolean;
};

export type Model = {
  /** Of alice, the oldest first. */
  readonly tasks: ModelTask[];
  /** By Idempotency-Key of alice. */
  readonly keys: Map<string, { readonly message: string; readonly taskId: TaskId }>;
  readonly sessions: { readonly id: string; status: 'created' | 'active' | 'closed' }[];
};

export const newModel = (): Model => ({ tasks: [], keys: new Map(), sessions: [] });

export const newTask = (taskId: TaskId, message: string): ModelTask => ({
  ...{ taskId, message, attempt: 0, seq: 0, failures: 0, isCancelling: false },
  facts: [{ type: 'TaskSubmitted', status: 'pending' }],
});

export const versionOf = ({ facts }: ModelTask): number => facts.length;
export const statusOf = ({ facts }: ModelTask): Status => facts.at(-1)?.status ?? 'pending';
export const isOver = (task: ModelTask): boolean => ['completed', 'failed', 'cancelled'].includes(statusOf(task));

export const attemptsMax = 3;

/** What a worker may do to a task; nothing where the standing of the task does not allow it. */
export const steps = {
  start: (task: ModelTask): boolean => {
    if (statusOf(task) !== 'pending') return false;
    task.attempt += 1;
    task.seq = 0;
    task.facts.push({ type: 'TaskStarted', status: 'processing' });
    return true;
  },
  progress: (task: ModelTask): boolean => {
    if (statusOf(task) !== 'processing') return false;
    task.seq += 1;
    task.facts.push({ type: 'TaskProgressed', status: 'processing' });
    return true;
  },
  complete: (task: ModelTask): boolean => {
    if (statusOf(task) !== 'processing') return false;
    task.facts.push({ type: 'TaskCompleted', status: 'completed' });
    return true;
  },
  fail: (task: ModelTask): boolean => {
    if (statusOf(task) !== 'processing') return false;
    task.facts.push({ type: 'TaskFailed', status: 'failed' });
    return true;
  },
  interrupt: (task: ModelTask): boolean => {
    if (statusOf(task) !== 'processing') return false;
    task.failures += 1;
    task.facts.push({ type: 'TaskInterrupted', status: 'processing' });
    if (task.isCancelling) task.facts.push({ type: 'TaskCancelled', status: 'cancelled' });
    else if (task.failures < attemptsMax) task.facts.push({ type: 'TaskRetried', status: 'pending' });
    else task.facts.push({ type: 'TaskFailed', status: 'failed' });
    return true;
  },
} as const;
export type Step = keyof typeof steps;

/** The status of the answer. */
export const cancel = (task: ModelTask): 202 | 409 => {
  if (task.isCancelling) return 202;
  if (isOver(task)) return 409;
  task.isCancelling = true;
  const status = statusOf(task);
  task.facts.push({ type: 'TaskCancelRequested', status });
  if (status === 'pending') task.facts.push({ type: 'TaskCancelled', status: 'cancelled' });
  return 202;
};

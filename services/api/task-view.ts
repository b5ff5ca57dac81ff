/** A task as clients see it: the row with ISO times and whole texts, or with previews where many are shown. */
import { z } from '@hono/zod-openapi';
import { TaskError } from '#events/error.ts';
import { Limits, Priority, TaskStatus } from '#events/task.ts';
import type { Task } from '#events/task.ts';
import { Usage } from '#events/task-update.ts';
import { previewChars, previewOf } from '#events/text.ts';
import type { Text } from '#events/text.ts';
import { readText } from '#platform/artifacts.ts';
import type { Artifacts } from '#platform/artifacts.ts';

const time = z.iso.datetime();

const shared = {
  taskId: z.uuid(),
  status: TaskStatus,
  createdAt: time,
  startedAt: time.optional(),
  finishedAt: time.optional(),
  cancelRequestedAt: time.optional(),
  prompt: z.string(),
  result: z.string().optional(),
  error: TaskError.optional(),
  sessionId: z.uuid().optional(),
  attempt: z.int().openapi({ description: 'How often the task was started.' }),
  priority: Priority,
  repository: z.string().optional(),
  ref: z.string().optional(),
  timeoutMs: z.int(),
  limits: Limits.optional(),
  usage: Usage,
  owner: z.string(),
  version: z.int().openapi({ description: 'How many facts the task has; grows with every one.' }),
};

export const TaskView = z
  .object({
    ...shared,
    metadata: z.record(z.string(), z.unknown()).optional(),
  })
  .openapi('Task');
export type TaskView = z.infer<typeof TaskView>;

export const TaskListItem = z
  .object({
    ...shared,
    truncated: z.boolean().openapi({ description: 'Whether prompt or result is only the beginning of it.' }),
  })
  .openapi('TaskListItem');
export type TaskListItem = z.infer<typeof TaskListItem>;

export const isoTime = (ms: number): string => new Date(ms).toISOString();
const isoTimeOf = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : isoTime(ms));

/** What both views say; fields that are undefined are left out of the JSON. */
const sharedOf = (task: Task, version: number) => ({
  taskId: task.taskId,
  status: task.status,
  createdAt: isoTime(task.createdAt),
  startedAt: isoTimeOf(task.startedAt),
  finishedAt: isoTimeOf(task.finishedAt),
  cancelRequestedAt: isoTimeOf(task.cancelRequestedAt),
  error: task.error,
  sessionId: task.sessionId,
  attempt: task.attempt,
  priority: task.priority,
  repository: task.repository,
  ref: task.ref,
  timeoutMs: task.timeoutMs,
  limits: task.limits,
  usage: task.usage,
  owner: task.owner,
  version,
});

export const viewOf = async (task: Task, version: number, artifacts: Pick<Artifacts, 'get'>): Promise<TaskView> => {
  const [prompt, result] = await Promise.all([
    readText(task.prompt, artifacts),
    task.result && readText(task.result, artifacts),
  ]);
  return { ...sharedOf(task, version), prompt, result, metadata: task.metadata };
};

const previewed = (text: Text): string => previewOf(text).slice(0, previewChars).toWellFormed();
const isCut = (text: Text | undefined): boolean =>
  text !== undefined && (text.kind === 'stored' || text.text.length > previewChars);

export const itemOf = (task: Task, version: number): TaskListItem => ({
  ...sharedOf(task, version),
  prompt: previewed(task.prompt),
  result: task.result && previewed(task.result),
  truncated: isCut(task.prompt) || isCut(task.result),
});

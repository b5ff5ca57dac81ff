/** What the command line reads of the service's answers. Fields it does not know are kept: `--json` prints what came. */
import { z } from 'zod';
import { TaskError } from '#events/error.ts';
import { SessionStatus } from '#events/session.ts';
import { Priority, TaskStatus } from '#events/task.ts';
import { Usage } from '#events/task-update.ts';

export const TaskView = z.looseObject({
  taskId: z.string(),
  status: TaskStatus,
  createdAt: z.string(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  prompt: z.string(),
  result: z.string().optional(),
  error: TaskError.loose().optional(),
  sessionId: z.string().optional(),
  attempt: z.int(),
  priority: Priority,
  usage: Usage.loose(),
});
export type TaskView = z.infer<typeof TaskView>;

export const Accepted = z.looseObject({ taskId: z.string() });

export const CancelAnswer = z.looseObject({ status: TaskStatus });

export const TaskPage = z.object({ tasks: z.array(TaskView), next: z.string().optional() });

export const SessionView = z.looseObject({
  sessionId: z.string(),
  status: SessionStatus,
  agent: z.looseObject({ name: z.string(), version: z.string() }),
  tasksProcessed: z.int(),
  contextPercent: z.number().optional(),
  lastActivity: z.string(),
});

export const SessionPage = z.object({ sessions: z.array(SessionView), next: z.string().optional() });

/** A stored fact as it came; what the fact says is read by `parseTaskEvent`, if this program knows its type. */
export const Fact = z.looseObject({ version: z.int(), type: z.string(), at: z.string() });
export type Fact = z.infer<typeof Fact>;

export const FactPage = z.object({ events: z.array(Fact), next: z.int().optional() });

export const LiveMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('event'), version: z.int(), event: Fact }),
  z.object({ type: z.literal('live') }),
  z.object({ type: z.literal('error'), code: z.string(), message: z.string() }),
]);

const Problem = z.object({
  title: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).default([]),
});

/** RFC 9457 in one sentence; undefined when the body is something else. */
export const sentenceOf = (body: unknown): string | undefined => {
  const parsed = Problem.safeParse(body);
  if (!parsed.success) return undefined;
  const { title, detail, errors } = parsed.data;
  const fields = errors.map(({ pointer, detail: why }) => `${pointer} ${why}`).join('; ');
  const parts = [title, detail, fields].filter((part): part is string => part !== undefined && part !== '');
  return `${parts.map((part) => part.replace(/\.$/, '')).join(': ')}.`;
};

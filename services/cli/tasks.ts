/** Commands about tasks that end at once: `status`, `list`, `events` and `cancel`. */
import { z } from 'zod';
import { TaskStatus } from '#events/task.ts';
import { CancelAnswer, FactPage, TaskPage, TaskView } from './answers.ts';
import { everyOption } from './call.ts';
import type { Call } from './call.ts';
import { exitCodes } from './exit.ts';
import type { ExitCode } from './exit.ts';
import { columns, listOptions, readItems } from './table.ts';
import { taskPath, watchTask } from './watch.ts';

export const statusOptions = z.object(everyOption);

export const showStatus = async ({ ask, screen, subject, options }: Call<z.infer<typeof statusOptions>>) => {
  const task = await ask('GET', taskPath(subject), TaskView);
  if (options.json) screen.json(task);
  else {
    const { usage, error } = task;
    const rows = [
      ['task', task.taskId],
      ['status', task.status],
      ['priority', task.priority],
      ['attempt', String(task.attempt)],
      ['created', task.createdAt],
      ['started', task.startedAt],
      ['finished', task.finishedAt],
      ['session', task.sessionId],
      ['used', `${usage.credits} credits, ${Math.round(usage.agentMs / 1_000)} s of the agent`],
      ['error', error && `${error.class}: ${error.message} ${error.remedy}`],
      ['prompt', task.prompt],
    ];
    const filled = rows.filter((row): row is [string, string] => row[1] !== undefined);
    columns(filled).forEach((line) => screen.line(line));
    if (task.result !== undefined) screen.line(`\n${task.result}`);
  }
  return exitCodes.done;
};

export const taskListOptions = z.object({ ...listOptions, status: TaskStatus.optional() });

const promptChars = 60;

export const listTasks = async ({ ask, screen, options }: Call<z.infer<typeof taskListOptions>>) => {
  const { status, json, limit, all } = options;
  const { items, more } = await readItems(all ? Infinity : limit, async (query) => {
    if (status !== undefined) query.set('status', status);
    const { tasks, next } = await ask('GET', `api/tasks?${query.toString()}`, TaskPage);
    return { items: tasks, next };
  });
  if (json) screen.json({ tasks: items, more });
  else {
    const rows = items.map((task) => [
      ...[task.taskId, task.status, task.priority, task.createdAt],
      task.prompt.slice(0, promptChars),
    ]);
    columns(rows).forEach((line) => screen.line(line));
    if (more) screen.note(`there are more; --all shows them`, 'dim');
  }
  return exitCodes.done;
};

export const eventsOptions = z.object(everyOption);

const detailChars = 160;
/** Said in columns of their own, or about the store rather than about the task. */
const hidden = new Set([
  'id',
  'stream',
  'version',
  'type',
  'v',
  'at',
  'actor',
  'correlationId',
  'causationId',
  'traceparent',
]);

export const listEvents = async ({ ask, screen, subject, options }: Call<z.infer<typeof eventsOptions>>) => {
  let after: number | undefined = 0;
  while (after !== undefined) {
    const page: z.infer<typeof FactPage> = await ask(
      'GET',
      `${taskPath(subject)}/events?after=${after}&limit=1000`,
      FactPage,
    );
    for (const fact of page.events) {
      if (options.json) screen.json(fact);
      else {
        const own = Object.fromEntries(Object.entries(fact).filter(([field]) => !hidden.has(field)));
        const detail = JSON.stringify(own);
        const cut = detail.length > detailChars ? `${detail.slice(0, detailChars)}…` : detail;
        columns([[String(fact.version).padStart(4), fact.at, fact.type.padEnd(19), cut]]).forEach((line) =>
          screen.line(line),
        );
      }
    }
    after = page.next;
  }
  return exitCodes.done;
};

export const cancelOptions = z.object({ ...everyOption, wait: z.boolean().default(false) });

/** With `--wait` it succeeds when the task has really stopped; one that reached another outcome first was not cancelled. */
export const cancel = async (call: Call<z.infer<typeof cancelOptions>>): Promise<ExitCode> => {
  const { ask, screen, subject, options } = call;
  const answer = await ask('POST', `${taskPath(subject)}/cancel`, CancelAnswer, { body: {} });
  if (!options.wait) {
    if (options.json) screen.json(answer);
    else screen.line(answer.status === 'cancelled' ? 'cancelled' : 'asked to stop; cancel --wait says when it has');
    return exitCodes.done;
  }
  const { code, task } = await watchTask(call, subject, options.json ? 'silent' : 'states');
  if (task && options.json) screen.json(task);
  if (code === exitCodes.interrupted) return code;
  return code === exitCodes.cancelled ? exitCodes.done : exitCodes.failed;
};

/** Everything that a worker does with a task: the rows whose requests are made by the services among themselves. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { SessionId, TaskId } from '#events/ids.ts';
import { Session } from '#events/session.ts';
import { isOver, Task } from '#events/task.ts';
import { eventually } from '#test/support/eventually.ts';
import { untilCancelled } from '#test/support/scripted-agent.ts';
import type { Script } from '#test/support/scripted-agent.ts';
import type { Row } from './api-rows.ts';
import { Cell } from './cells.ts';
import { clientOf } from './client.ts';
import type { Stage } from './client.ts';
import { TaskAnswer } from './world.ts';

/** Times are a tenth here, the machine is not: it may have others to serve. */
const endsWithinMs = 90_000;
const longResult = 'word '.repeat(10_000);

const failed = { class: 'agent-failed', message: 'once', remedy: 'Try again.', retryable: true } as const;

/** What the prompt asks for; a prompt is the name of a behaviour and a mark of its own. */
export const scriptedByPrompt = (): Script => {
  const failedBefore = new Set<string>();
  return async (turn, signal) => {
    const { prompt, onUpdate } = turn;
    if (prompt.includes('wait')) return untilCancelled(turn, signal);
    if (prompt.includes('fail once') && !failedBefore.has(prompt)) {
      failedBefore.add(prompt);
      return { outcome: 'failed', error: failed, reusable: false };
    }
    const text = prompt.includes('say much') ? longResult : 'done';
    onUpdate({ kind: 'text', text: 'at work' });
    return { outcome: 'completed', text, stopReason: 'end_turn' };
  };
};

const nobody = new Cell('nobody');

/** A client whose own requests always arrive: the cell is what the services do. */
const ordinary = async (stage: Stage) => {
  const { key } = await stage.world.newKey();
  const { settle } = clientOf({ ...stage, cells: { ...stage.cells, within: (_, work) => work() } }, nobody, key);
  return {
    key,
    settle,
    submit: async (cell: Cell | undefined, message: string, more: object = {}): Promise<TaskId> => {
      const mark = randomUUID();
      const invoked = stage.recorder.invoke('submit', mark);
      const body = { message: `${message} ${mark}`, metadata: { mark }, ...more };
      const answer = await settle({ method: 'POST', path: '/api/chat', body }, 202);
      const { taskId, status } = TaskAnswer.parse(answer.body);
      invoked.ok({ taskId, version: 1, status });
      if (cell) stage.cells.name(cell, taskId);
      return taskId;
    },
  };
};

const read = async ({ world }: Stage, taskId: TaskId): Promise<Task> =>
  Task.parse((await world.store.readRow(`task/${taskId}`))?.row);

const ended = async (stage: Stage, taskId: TaskId): Promise<Task> => {
  const over = async () => {
    const task = await read(stage, taskId);
    return isOver(task) ? task : undefined;
  };
  try {
    return await eventually(over, `${taskId} did not end`, endsWithinMs);
  } catch (cause) {
    const facts = await stage.world.store.readStream(`task/${taskId}`, 0);
    const told = facts.map(({ type, at, actor }) => `${at.slice(14, -1)} ${type} ${actor.slice(-4)}`).join(', ');
    throw new Error(`${taskId} did not end: ${told}`, { cause });
  }
};

/** A fault may cost attempts, and somebody may have cancelled; it never costs the outcome or its reason. */
const assertEnded = (task: Task, cell: Cell, wanted: Task['status']): void => {
  const allowed = new Set<Task['status']>([wanted]);
  if (cell.name.includes('cancelled meanwhile')) allowed.add('cancelled');
  assert.ok(allowed.has(task.status), `it is ${task.status}: ${task.error?.message ?? 'no error'}`);
};

const completes =
  (message: string): Row['run'] =>
  async (stage, cell) => {
    const { submit } = await ordinary(stage);
    assertEnded(await ended(stage, await submit(cell, message)), cell, 'completed');
  };

const cancelled: Row['run'] = async (stage, cell) => {
  const { submit, settle } = await ordinary(stage);
  const taskId = await submit(cell, 'wait');
  await eventually(
    async () => (await read(stage, taskId)).status !== 'pending' || undefined,
    'nobody took it',
    endsWithinMs,
  );
  const invoked = stage.recorder.invoke('cancel', taskId);
  const answer = await settle({ method: 'POST', path: `/api/task/${taskId}/cancel`, body: {} }, 202, 409);
  if (answer.status === 202) invoked.ok({ taskId, version: 0, status: 'processing' });
  assertEnded(await ended(stage, taskId), cell, 'cancelled');
};

const sessionRow = async ({ world }: Stage, sessionId: SessionId): Promise<Session | undefined> => {
  const stored = await world.store.readRow(`session/${sessionId}`);
  return stored && Session.parse(stored.row);
};

const sessionOf = async (stage: Stage, taskId: TaskId): Promise<SessionId> => {
  const { sessionId } = await ended(stage, taskId);
  assert.ok(sessionId);
  return sessionId;
};

const followUp: Row['run'] = async (stage, cell) => {
  const { submit } = await ordinary(stage);
  const sessionId = await sessionOf(stage, await submit(undefined, 'first'));
  await eventually(async () => (await sessionRow(stage, sessionId)) !== undefined || undefined, 'no session');
  stage.cells.name(cell, sessionId);
  const second = await ended(stage, await submit(cell, 'second', { sessionId }));
  assertEnded(second, cell, 'completed');
  if (second.status === 'completed') assert.equal(second.sessionId, sessionId);
};

const closed = (stage: Stage, sessionId: SessionId): Promise<true> =>
  eventually(
    async () => (await sessionRow(stage, sessionId))?.status === 'closed' || undefined,
    `${sessionId} was not closed`,
    endsWithinMs,
  );

const idles: Row['run'] = async (stage, cell) => {
  const { submit } = await ordinary(stage);
  const taskId = await submit(cell, 'hello');
  const { sessionId } = await eventually(
    async () => {
      const task = await read(stage, taskId);
      return task.sessionId === undefined && !isOver(task) ? undefined : task;
    },
    'nobody took it',
    endsWithinMs,
  );
  if (sessionId) stage.cells.name(cell, sessionId);
  await ended(stage, taskId);
  const last = (await read(stage, taskId)).sessionId;
  if (last && (await sessionRow(stage, last))) await closed(stage, last);
};

export const workerRows: readonly Row[] = [
  { name: 'task completes', run: completes('hello') },
  { name: 'task with a long result', run: completes('say much') },
  { name: 'agent fails once', run: completes('fail once') },
  { name: 'running task is cancelled', run: cancelled },
  { name: 'conversation goes on', run: followUp },
  { name: 'session idles and closes', run: idles },
];

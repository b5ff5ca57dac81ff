/** Something of everything for requests to be about: tasks and sessions of alice in every standing, and a key that is revoked. */
import { TaskId } from '#events/ids.ts';
import type { TaskCommand } from '#events/task.ts';
import { sessionId, workerId } from '#test/support/ids.ts';
import { z } from 'zod';
import { openSession } from '../../services/api/world.ts';
import type { World } from '../../services/api/world.ts';
import type { Ask } from './target.ts';

const error = { class: 'agent-failed', message: 'It broke.', remedy: 'Ask again.', retryable: true } as const;
const tool = { kind: 'tool', toolCallId: 't', title: 'Edit a', tool: 'edit', status: 'completed' } as const;
const usage = { kind: 'usage', credits: 0.25, inputTokens: 3, agentMs: 40, contextPercent: 2.5 } as const;
const begun: readonly TaskCommand[] = [
  { type: 'start', workerId: workerId(1), sessionId: sessionId(1) },
  { type: 'progress', attempt: 1, seq: 1, updates: [{ kind: 'text', text: 'Well.' }, tool, usage] },
];
const result = { kind: 'inline', text: 'Done. 😀' } as const;

/** One task of every standing; the first number of those is over in a way that leaves nothing to cancel. */
const lives: readonly (readonly TaskCommand[])[] = [
  [...begun, { type: 'complete', attempt: 1, result, stopReason: 'end_turn' }],
  [...begun, { type: 'fail', attempt: 1, error }],
  [],
  begun,
  [...begun, { type: 'request-cancel', reason: 'typo' }],
  [{ type: 'request-cancel' }],
  [...begun, { type: 'interrupt', attempt: 1, cause: 'worker-lost', error }],
];
const settled = 2;

const Submitted = z.object({ taskId: TaskId });

export type Stock = {
  readonly tasks: readonly TaskId[];
  readonly sessions: readonly string[];
  /** What cannot be cancelled or closed as it stands. */
  readonly conflicting: ReadonlySet<string>;
};

export const fillStock = async (world: World, ask: Ask): Promise<Stock> => {
  const sessions = [sessionId(1), sessionId(2), sessionId(3)];
  for (const n of [1, 2, 3]) await openSession(world, sessionId(n), 'alice', n);
  const asked = [
    { message: 'x' },
    { message: 'a long one '.repeat(5_000), priority: 'high', sessionId: sessionId(1), metadata: { a: [1, null] } },
    { message: '😀', repository: 'o/r', ref: 'main', timeoutMs: 1_000, limits: { credits: 0.5 }, priority: 'low' },
  ];
  const tasks: TaskId[] = [];
  for (const [n, commands] of lives.entries()) {
    world.time.now += 1;
    const body = JSON.stringify(asked[n % asked.length]);
    const headers = { authorization: `Bearer ${world.keyOf('alice')}`, 'content-type': 'application/json' };
    const { text } = await ask('/api/chat', { method: 'POST', headers, body });
    const { taskId } = Submitted.parse(JSON.parse(text));
    for (const command of commands) await world.moveTask(taskId, command);
    tasks.push(taskId);
  }
  const [taskId] = tasks;
  if (taskId === undefined) throw new Error('no task was submitted');
  await world.moveSession(sessionId(2), { type: 'activate', taskId, workerId: workerId(2), generation: 1 });
  await world.moveSession(sessionId(3), { type: 'close', reason: 'idle' });
  await world.revoke('ada');
  return { tasks, sessions, conflicting: new Set([...tasks.slice(0, settled), sessionId(2)]) };
};

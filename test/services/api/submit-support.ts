/** Submitting a task as a client does, and looking at what became of it. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { TaskId } from '#events/ids.ts';
import type { TestApi, World } from './world.ts';

const Accepted = z.strictObject({ taskId: TaskId, status: z.literal('pending'), createdAt: z.iso.datetime() });
export const Refused = z.object({ type: z.string(), errors: z.array(z.object({ pointer: z.string() })).default([]) });

export const submit = (api: TestApi, body: unknown, headers: Record<string, string> = {}) =>
  api.ask('POST', '/api/chat', { as: 'alice', body, headers });

export const accepted = async (answer: Response) => {
  assert.equal(answer.status, 202, await answer.clone().text());
  return Accepted.parse(await answer.json());
};

export const tasksIn = async ({ store }: World) =>
  (await store.listRows('task', { order: 'newest-first', limit: 1_000 })).rows.length;

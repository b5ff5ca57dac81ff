/** What is asked about tasks, in any order: each answer is compared with the model. */
import assert from 'node:assert/strict';
import { TaskId } from '#events/ids.ts';
import type { TaskCommand } from '#events/task.ts';
import { sessionId, workerId } from '#test/support/ids.ts';
import { z } from 'zod';
import { cancel, isOver, newTask, steps, versionOf } from './sequence-model.ts';
import type { ModelTask, Step } from './sequence-model.ts';
import { command, ofTask, ok } from './sequence-world.ts';
import type { Command } from './sequence-world.ts';
import type { Answer } from './target.ts';

const Submitted = z.object({ taskId: TaskId });
const View = z.object({
  taskId: z.string(),
  status: z.string(),
  version: z.int(),
  prompt: z.string(),
  attempt: z.int(),
});
const Events = z.object({
  events: z.array(z.object({ type: z.string(), version: z.int() })),
  next: z.int().optional(),
});

export const submit = (message: string, key: string | undefined): Command =>
  command(`submit(${message}, ${key ?? 'no key'})`, async (model, { ask, world }) => {
    world.time.now += 1;
    const earlier = key === undefined ? undefined : model.keys.get(key);
    const headers = key === undefined ? {} : { 'idempotency-key': key };
    const answer = await ask('POST', '/api/chat', { body: { message }, headers });
    if (earlier && earlier.message !== message) {
      assert.match(ok(answer, 422).text, /idempotency-key-reused/);
      return;
    }
    const { taskId } = Submitted.parse(JSON.parse(ok(answer, 202).text));
    assert.equal(answer.headers.get('location'), `/api/task/${taskId}`);
    assert.equal(answer.headers.get('idempotency-replayed'), earlier ? 'true' : null);
    if (earlier) {
      assert.equal(taskId, earlier.taskId, 'a repeat made another task');
      return;
    }
    if (key !== undefined) model.keys.set(key, { message, taskId });
    model.tasks.push(newTask(taskId, message));
  });

/** A key is another's own: with it he makes a task that alice never sees. */
export const submitAsBob = (key: string): Command =>
  command(`submitAsBob(${key})`, async ({ tasks }, { ask }) => {
    const headers = { 'idempotency-key': `bob-${key}` };
    const answer = await ask('POST', '/api/chat', { as: 'bob', body: { message: 'b' }, headers });
    const { taskId } = Submitted.parse(JSON.parse(ok(answer, 202).text));
    assert.ok(tasks.every((task) => task.taskId !== taskId));
    ok(await ask('GET', `/api/task/${taskId}`), 404);
  });

const seen = (task: ModelTask, version = versionOf(task)) => ({
  ...{ taskId: task.taskId, prompt: task.message, version },
  status: task.facts[version - 1]?.status,
});
const shown = ({ text }: Answer) => {
  const { attempt: _, ...view } = View.parse(JSON.parse(text));
  return view;
};

export const read = (pick: number, known: number): Command =>
  ofTask(`read[${known}]`, pick, async (task, { ask }) => {
    const address = `/api/task/${task.taskId}`;
    const answer = ok(await ask('GET', address), 200);
    assert.deepEqual(shown(answer), seen(task));
    assert.equal(answer.headers.get('etag'), `"${versionOf(task)}"`);
    const again = await ask('GET', address, { headers: { 'if-none-match': `"0", W/"${known}"` } });
    ok(again, known === versionOf(task) ? 304 : 200);
    assert.equal(again.headers.get('etag'), `"${versionOf(task)}"`);
    ok(await ask('GET', `${address}?wait=30&version=${versionOf(task) - 1}`), 200);
  });

export const readAt = (pick: number, at: number): Command =>
  ofTask(`readAt[${at}]`, pick, async (task, { ask }) => {
    const answer = await ask('GET', `/api/task/${task.taskId}?at=${at}`);
    if (at > versionOf(task)) ok(answer, 404);
    else assert.deepEqual(shown(ok(answer, 200)), seen(task, at));
  });

export const readEvents = (pick: number, after: number, limit: number): Command =>
  ofTask(`events[${after}, ${limit}]`, pick, async (task, { ask }) => {
    const heard: { type: string; version: number }[] = [];
    for (let from: number | undefined = after; from !== undefined;) {
      const answer = ok(await ask('GET', `/api/task/${task.taskId}/events?after=${from}&limit=${limit}`), 200);
      const page: z.infer<typeof Events> = Events.parse(JSON.parse(answer.text));
      assert.ok(page.events.length <= limit);
      assert.equal(answer.headers.has('link'), page.next !== undefined);
      heard.push(...page.events);
      from = page.next;
    }
    const expected = task.facts.map(({ type }, index) => ({ type, version: index + 1 })).slice(after);
    assert.deepEqual(heard, expected);
  });

export const live = (pick: number, after: number): Command =>
  ofTask(`live[${after}]`, pick, async (task, { ask }) => {
    const headers = { 'last-event-id': String(after) };
    const answer = await ask('GET', `/api/task/${task.taskId}/live`, { headers });
    if (isOver(task) && after >= versionOf(task)) {
      ok(answer, 204);
      return;
    }
    const ids = [...ok(answer, 200).text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    const expected = task.facts.map((_, index) => index + 1).slice(after);
    assert.deepEqual(ids, expected);
  });

export const askToCancel = (pick: number): Command =>
  ofTask('cancel', pick, async (task, { ask }) => {
    const answer = await ask('POST', `/api/task/${task.taskId}/cancel`, { body: { reason: 'so' } });
    const status = cancel(task);
    ok(answer, status);
    if (status === 202) {
      const { version } = z.object({ version: z.int() }).parse(JSON.parse(answer.text));
      assert.equal(version, versionOf(task));
    }
  });

const error = { class: 'worker-lost', message: 'gone', remedy: 'none', retryable: true } as const;
const asCommand = (step: Step, { attempt, seq }: ModelTask): TaskCommand => {
  switch (step) {
    case 'start':
      return { type: 'start', workerId: workerId(1), sessionId: sessionId(1) };
    case 'progress':
      return { type: 'progress', attempt, seq, updates: [{ kind: 'text', text: 'x' }] };
    case 'complete':
      return { type: 'complete', attempt, result: { kind: 'inline', text: 'r' }, stopReason: 'end_turn' };
    case 'fail':
      return { type: 'fail', attempt, error };
    case 'interrupt':
      return { type: 'interrupt', attempt, cause: 'worker-lost', error };
  }
};

export const work = (pick: number, step: Step): Command =>
  ofTask(step, pick, async (task, { world }) => {
    if (!steps[step](task)) return;
    const { outcome } = await world.moveTask(task.taskId, asCommand(step, task));
    assert.equal(outcome, 'appended');
  });

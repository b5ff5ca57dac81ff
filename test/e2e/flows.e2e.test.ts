import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { client, startSystem, temporaryDir } from '#test/support/system.ts';
import type { DataDir, System } from '#test/support/system.ts';

const Event = z.looseObject({ type: z.string(), version: z.int() });
const Live = z.looseObject({ type: z.string(), event: Event.optional() });

describe('the whole system, as make run starts it', () => {
  let dir: DataDir;
  let system: System;
  before(async () => {
    dir = await temporaryDir();
    system = await startSystem(dir.path);
  });
  after(async () => {
    await system.stop();
    await dir[Symbol.asyncDispose]();
  });

  it('takes a prompt, and whoever polls reads the result', async () => {
    const taskId = await system.submit('Reverse the word dispatch.');
    const task = await system.outcome(taskId);
    assert.equal(task.status, 'completed');
    assert.match(task.result ?? '', /demo/i);
    assert.ok(task.usage.credits > 0);
  });

  it('shows the work over a WebSocket while it goes on, each fact once and in order', async () => {
    const taskId = await system.submit('Count the words of this sentence.');
    const socket = new WebSocket(`${system.url.replace('http', 'ws')}/api/live`, {
      headers: { authorization: `Bearer ${system.key}` },
    });
    const versions: number[] = [];
    const types: string[] = [];
    const over = Promise.withResolvers<void>();
    socket.on('error', over.reject);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', stream: `task/${taskId}`, after: 0 })));
    socket.on('message', (data: Buffer) => {
      const { event } = Live.parse(JSON.parse(data.toString()));
      if (!event) return;
      versions.push(event.version);
      types.push(event.type);
      if (event.type === 'TaskCompleted') over.resolve();
    });
    await over.promise;
    socket.close();
    assert.deepEqual(
      versions,
      versions.map((_, index) => index + 1),
    );
    assert.deepEqual(types.slice(0, 2), ['TaskSubmitted', 'TaskStarted']);
    assert.ok(types.includes('TaskProgressed'));
  });

  it('shows the same over Server-Sent Events, and ends them with the task', async () => {
    const taskId = await system.submit('Say something.');
    const answer = await system.get(`/api/task/${taskId}/live`);
    const text = await answer.text();
    const ids = [...text.matchAll(/^id: ?(\d+)$/gm)].map(([, id]) => Number(id));
    assert.deepEqual(
      ids,
      ids.map((_, index) => index + 1),
    );
    assert.match(text, /TaskCompleted/);
  });

  it('stops a running agent within two seconds of the cancel', async () => {
    const taskId = await system.submit('wait 60 s');
    while ((await system.read(taskId)).status === 'pending') await system.get(`/api/task/${taskId}?wait=1`);
    const askedAt = performance.now();
    assert.equal((await system.post(`/api/task/${taskId}/cancel`)).status, 202);
    const task = await system.outcome(taskId, 5_000);
    assert.equal(task.status, 'cancelled');
    assert.ok(performance.now() - askedAt < 2_000, `took ${performance.now() - askedAt} ms`);
    assert.equal((await system.post(`/api/task/${taskId}/cancel`)).status, 202);
  });

  it('goes on with a conversation in its session, whose agent remembers', async () => {
    const first = await system.outcome(await system.submit('My favourite colour is teal.'));
    const followUp = await system.submit('What did I ask before?', { sessionId: first.sessionId });
    const second = await system.outcome(followUp);
    assert.equal(second.sessionId, first.sessionId);
    assert.match(second.result ?? '', /teal/);
  });

  it('lets the agent write a real file in the work directory of the session', async () => {
    const task = await system.outcome(await system.submit('write notes/hello.txt: hello from the agent'));
    const file = join(dir.path, 'sessions', task.sessionId ?? '', 'notes', 'hello.txt');
    assert.match(await readFile(file, 'utf8'), /hello from the agent/);
  });

  it('tells a failure with its class, its words and a remedy, after three attempts', async () => {
    const task = await system.outcome(await system.submit('behave: exit-1-after-prompt\nplease'), 60_000);
    assert.equal(task.status, 'failed');
    assert.equal(task.error?.class, 'agent-failed');
    assert.equal(task.attempt, 3);
  });

  it('moves what was put aside back to the work queues, and says how much', async () => {
    const command = fileURLToPath(new URL('../../services/local/command.ts', import.meta.url));
    const options = { env: { ...process.env, DATA_DIR: dir.path } };
    const { stdout } = await promisify(execFile)(process.execPath, [command, 'worker/redrive'], options);
    assert.match(stdout, /^\S+-work-high: 0 messages moved back\n\S+-work-normal: 0 .*\n\S+-work-low: 0 .*\n$/);
  });

  it('makes another key, whose owner sees nothing of the tasks of others', async () => {
    const foreign = await system.submit('mine alone');
    const command = fileURLToPath(new URL('../../services/local/command.ts', import.meta.url));
    const options = { env: { ...process.env, DATA_DIR: dir.path } };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [command, 'api/issue-key', '--name', 'alice'],
      options,
    );
    const alice = client(system.url, stdout.trim());
    const own = await alice.submit('mine as well');
    assert.equal((await alice.get(`/api/task/${foreign}`)).status, 404);
    assert.equal((await alice.outcome(own)).status, 'completed');
    const { tasks } = z
      .object({ tasks: z.array(z.looseObject({ taskId: z.string() })) })
      .parse(await (await alice.get('/api/tasks')).json());
    assert.deepEqual(
      tasks.map(({ taskId }) => taskId),
      [own],
    );
  });
});

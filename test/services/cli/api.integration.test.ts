/** The command line against the Kiro API itself, over a socket. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { z } from 'zod';
import { TaskId } from '#events/ids.ts';
import { listen } from '#platform/http/listen.ts';
import { eventually } from '#test/support/eventually.ts';
import { sessionId, workerId } from '#test/support/ids.ts';
import { createWorld, openSession, startApi } from '../api/world.ts';
import type { Person, World } from '../api/world.ts';
import { commandLine } from './command-line.ts';

const serve = async (world: World, port = 0) => {
  const api = await startApi(world);
  const server = await listen(api.app, { host: '127.0.0.1', port, webSockets: api.webSockets, drainMs: 0 });
  return {
    ...server,
    followed: () =>
      eventually(() => (api.webSockets.clients.size > 0 ? true : undefined), 'nobody opened a live channel'),
    stop: async (): Promise<void> => {
      api.stop.abort();
      await api[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
};

void suite('against the Kiro API', () => {
  let world: World;
  let server: Awaited<ReturnType<typeof serve>>;
  before(async () => {
    world = await createWorld();
    server = await serve(world);
  });
  after(() => server.stop());

  const cli = (person: Person, ...args: string[]) =>
    commandLine(server.url)(args, { env: { KIRO_DISPATCH_KEY: world.keyOf(person) } });
  const submit = async (...args: string[]): Promise<TaskId> =>
    TaskId.parse((await cli('alice', 'submit', 'Add a README.', ...args)).stdout.trim());
  const begin = (taskId: TaskId) =>
    world.moveTask(taskId, { type: 'start', workerId: workerId(1), sessionId: sessionId(1) });
  const say = (taskId: TaskId, seq: number, text: string) =>
    world.moveTask(taskId, { type: 'progress', attempt: 1, seq, updates: [{ kind: 'text', text }] });
  const complete = (taskId: TaskId, text: string) =>
    world.moveTask(taskId, { type: 'complete', attempt: 1, result: { kind: 'inline', text }, stopReason: 'end_turn' });

  test('a task is handed in, listed, followed, shown and kept from others', async () => {
    const taskId = await submit('--priority', 'high', '--timeout', '60', '--metadata', 'ticket=7', '--budget', '2');
    assert.match(
      (await cli('alice', 'list', '--status', 'pending')).stdout,
      new RegExp(`^${taskId}  pending  high`, 'm'),
    );
    await begin(taskId);
    const watching = cli('alice', 'watch', taskId);
    await say(taskId, 1, 'I look. ');
    await say(taskId, 2, 'Done.');
    await complete(taskId, 'Done.');
    const { code, stdout } = await watching;
    assert.deepEqual([code, stdout], [0, 'I look. Done.\n']);
    const shown = await cli('alice', 'status', taskId, '--json');
    const expected = {
      taskId,
      status: 'completed',
      result: 'Done.',
      timeoutMs: 60_000,
      metadata: { ticket: '7' },
      limits: { credits: 2 },
    };
    assert.partialDeepStrictEqual(z.json().parse(JSON.parse(shown.stdout)), expected);
    assert.equal((await cli('alice', 'events', taskId, '--json')).stdout.trimEnd().split('\n').length, 5);
    assert.equal((await cli('bob', 'watch', taskId)).code, 2);
    assert.equal((await cli('olga', 'watch', taskId)).code, 0);
  });

  test('an instance that is replaced by another costs a follower nothing', async () => {
    const taskId = await submit();
    await begin(taskId);
    await say(taskId, 1, 'one ');
    const watching = cli('alice', 'watch', taskId);
    await server.followed();
    const { port } = server;
    await server.stop();
    await say(taskId, 2, 'two ');
    server = await serve(world, port);
    await say(taskId, 3, 'three');
    await complete(taskId, '');
    const { code, stdout, stderr } = await watching;
    assert.deepEqual([code, stdout.replaceAll('\n', '')], [0, 'one two three']);
    assert.match(stderr, /^connection lost .*\nreconnected, replayed \d+ events?$/m);
  });

  test('a task that waits is cancelled at once, a second time changes nothing, and a task that is over is refused', async () => {
    const taskId = await submit();
    assert.deepEqual([(await cli('alice', 'cancel', taskId)).stdout], ['cancelled\n']);
    assert.equal((await cli('alice', 'cancel', taskId, '--wait')).code, 0);
    const over = await submit();
    await begin(over);
    await complete(over, '');
    assert.deepEqual([(await cli('alice', 'cancel', over)).code], [2]);
  });

  test('the same idempotency key is the same task, and with another prompt a refusal', async () => {
    const first = await submit('--idempotency-key', 'k');
    assert.equal(await submit('--idempotency-key', 'k'), first);
    const { code, stderr } = await cli('alice', 'submit', 'Another.', '--idempotency-key', 'k');
    assert.equal(code, 2);
    assert.match(stderr, /Idempotency-Key was used for another request/);
  });

  test('what the service refuses is told with the field', async () => {
    const { code, stderr } = await cli('alice', 'submit', 'x', '--ref', 'main');
    assert.deepEqual([code, stderr], [2, 'The request is not valid: /ref needs a repository.\n']);
  });

  test('sessions are shown', async () => {
    await openSession(world, sessionId(9), 'alice');
    await eventually(
      async () => ((await cli('alice', 'sessions')).stdout.startsWith(sessionId(9)) ? true : undefined),
      'the session is not shown',
    );
  });
});

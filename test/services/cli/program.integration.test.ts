/** The commands that end at once, and the command line itself. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { once } from 'node:events';
import { beforeEach, suite, test } from 'node:test';
import { sessionId } from '#test/support/ids.ts';
import { commandLine } from './command-line.ts';
import type { Run } from './command-line.ts';
import { cancelled, completed, failed, said, started, submitted } from './facts.ts';
import { startFakeService, viewOf } from './fake-service.ts';
import type { FakeService } from './fake-service.ts';

const parsed = (text: string): unknown => JSON.parse(text);

void suite('the commands', () => {
  let service: FakeService;
  beforeEach(async () => void (service = await startFakeService()));
  const close = () => service[Symbol.asyncDispose]();
  const cli = (args: readonly string[], run?: Run) => commandLine(service.url)(args, run);

  test('status shows a task whatever its state and exits 0', async (t) => {
    t.after(close);
    const taskId = service.addTask(submitted('Add\na README.'), started(), failed());
    const { code, stdout } = await cli(['status', taskId]);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^task +${taskId}\\nstatus +failed\\n`));
    assert.match(stdout, /^error +agent-failed: The agent gave up\. Ask for less\.\nprompt +Add a README\.\n$/m);
    const json = await cli(['--json', 'status', taskId]);
    assert.deepEqual(parsed(json.stdout), parsed(JSON.stringify(viewOf(service.facts(taskId)))));
  });

  test('list shows the newest first, up to the limit, over all pages', async (t) => {
    t.after(close);
    const ids = Array.from({ length: 230 }, (_, n) => service.addTask(submitted(`prompt ${n}`))).reverse();
    const idsIn = (stdout: string) =>
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]);
    const first = await cli(['list']);
    assert.deepEqual(idsIn(first.stdout), ids.slice(0, 20));
    assert.match(first.stderr, /--all/);
    const more = await cli(['list', '--limit', '130']);
    assert.deepEqual(idsIn(more.stdout), ids.slice(0, 130));
    const all = await cli(['list', '--all']);
    assert.deepEqual([idsIn(all.stdout), all.stderr], [ids, '']);
    const json = await cli(['list', '--limit', '1', '--json']);
    assert.partialDeepStrictEqual(parsed(json.stdout), { tasks: [{ taskId: ids[0] }], more: true });
  });

  test('list shows tasks of one status', async (t) => {
    t.after(close);
    service.addTask(submitted());
    const taskId = service.addTask(submitted(), started(), completed());
    const { stdout } = await cli(['list', '--status', 'completed']);
    assert.match(stdout, new RegExp(`^${taskId}  completed  normal  \\S+  Add a README\\.\\n$`));
  });

  test('events prints every fact, over all pages', async (t) => {
    t.after(close);
    const taskId = service.addTask(submitted(), started(), said(1, 'a'), said(2, 'b'), completed());
    const { stdout } = await cli(['events', taskId, '--json']);
    assert.deepEqual(stdout.trimEnd().split('\n').map(parsed), service.facts(taskId));
    const plain = await cli(['events', taskId]);
    assert.match(plain.stdout, /^ *1 +\S+ +TaskSubmitted +\{.*\n.*TaskStarted.*\n.*\n.*\n *5 .*TaskCompleted.*\n$/);
  });

  test('sessions shows who works on what', async (t) => {
    t.after(close);
    const agent = { name: 'kiro', version: '2.1', dialect: 'acp' };
    const times = { lastActivity: '2026-01-01T00:00:00.000Z' };
    service.sessions.push({
      sessionId: sessionId(1),
      status: 'idle',
      agent,
      tasksProcessed: 3,
      contextPercent: 12.4,
      ...times,
    });
    const { stdout } = await cli(['sessions']);
    assert.equal(stdout, `${sessionId(1)}  idle  kiro 2.1  3 tasks  context 12 %  2026-01-01T00:00:00.000Z\n`);
    assert.deepEqual(parsed((await cli(['sessions', '--json'])).stdout), { sessions: service.sessions, more: false });
  });

  test('cancel asks, and says whether it is done already', async (t) => {
    t.after(close);
    const waiting = await cli(['cancel', service.addTask(submitted())]);
    assert.deepEqual([waiting.code, waiting.stdout], [0, 'cancelled\n']);
    const running = service.addTask(submitted(), started());
    assert.match((await cli(['cancel', running])).stdout, /^asked to stop/);
    const again = await cli(['cancel', running, '--json']);
    assert.deepEqual([again.code, parsed(again.stdout)], [0, { taskId: running, status: 'processing' }]);
    const over = await cli(['cancel', service.addTask(submitted(), started(), completed())]);
    assert.deepEqual([over.code, over.stderr], [2, 'The task is over.\n']);
  });

  test('cancel --wait succeeds when the task has stopped, and fails when it came to another end first', async (t) => {
    t.after(close);
    for (const { end, code } of [
      { end: cancelled, code: 0 },
      { end: completed(), code: 1 },
    ]) {
      const taskId = service.addTask(submitted(), started());
      const subscribed = service.subscribed();
      const cancelling = cli(['cancel', taskId, '--wait']);
      await subscribed;
      service.append(taskId, end);
      assert.equal((await cancelling).code, code);
    }
  });

  test('a command line that makes no sense exits 2 with one sentence and asks nobody', async (t) => {
    t.after(close);
    for (const args of [
      ['bogus'],
      ['submit'],
      ['submit', 'two', 'prompts'],
      ['submit', 'a', '--wait', '--follow'],
      ['submit', 'a', '--priority', 'urgent'],
      ['submit', 'a', '--timeout', '5m'],
      ['submit', 'a', '--budget', '-1'],
      ['submit', 'a', '--metadata', 'novalue'],
      ['list', '--limit', '0'],
      ['list', '--url', 'kiro.example'],
    ]) {
      const { code, stdout, stderr } = await cli(args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.match(stderr, /^[^\n]+\n$/);
    }
    assert.deepEqual(service.seen, []);
  });

  test('help and version are no failures', async (t) => {
    t.after(close);
    assert.match((await cli(['--help'])).stdout, /Exit codes: 0 done/);
    const { code, stdout } = await cli(['--version']);
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });

  test('a key that is not valid exits 2', async (t) => {
    t.after(close);
    const { code, stderr } = await cli(['list', '--key', 'other']);
    assert.deepEqual([code, stderr], [2, 'A valid API key is needed: The key is unknown or revoked.\n']);
  });

  test('Ctrl-C while waiting for an answer exits 130 at once', async (t) => {
    t.after(close);
    service.httpFaults.push(...Array.from({ length: 50 }, () => 'dropped' as const));
    const stop = new AbortController();
    const listing = cli(['list'], { stop: stop.signal });
    stop.abort();
    assert.equal((await listing).code, 130);
  });
});

const serve = async (server: Server): Promise<string> => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return `http://127.0.0.1:${address.port}`;
};

test('a service that is not there or is another one exits 3 and says so, after trying again', async () => {
  const gone = createServer();
  const other = createServer((_, response) => response.end('<html>'));
  const [goneUrl, otherUrl] = [await serve(gone), await serve(other)];
  await new Promise((resolve) => gone.close(resolve));
  const list = (url: string) => commandLine(url)(['list'], { patienceMs: 1_000 });
  const [nobody, stranger] = await Promise.all([list(goneUrl), list(otherUrl)]);
  other.closeAllConnections();
  other.close();
  assert.equal(
    nobody.stderr,
    `${goneUrl} is not reachable: ECONNREFUSED; trying again\n${goneUrl} is not reachable: ECONNREFUSED\n`,
  );
  assert.match(stranger.stderr, /does not answer as kiro-dispatch does\n$/);
  assert.deepEqual([nobody.code, stranger.code], [3, 3]);
});

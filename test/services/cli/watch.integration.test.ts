/** `watch`: what people see of a task, and that nothing but its outcome or Ctrl-C ends it. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import type { TaskEvent } from '#events/task.ts';
import { commandLine } from './command-line.ts';
import type { Run } from './command-line.ts';
import { completed, failed, progressed, said, started, submitted } from './facts.ts';
import { startFakeService } from './fake-service.ts';
import type { FakeService } from './fake-service.ts';

const error = { class: 'worker-lost', message: 'The worker went away.', remedy: '', retryable: true } as const;

void suite('watch', () => {
  let service: FakeService;
  before(async () => void (service = await startFakeService()));
  after(() => service[Symbol.asyncDispose]());
  beforeEach(() => {
    service.httpFaults.length = 0;
    service.liveFaults.length = 0;
  });

  const watch = (facts: readonly TaskEvent[], args: readonly string[] = [], run?: Run) =>
    commandLine(service.url)(['watch', service.addTask(...facts), ...args], run);

  test('tells a task from its beginning to its outcome, in plain lines where there is no terminal', async () => {
    const { code, both } = await watch([
      submitted(),
      started(),
      progressed(1, { kind: 'thought', text: 'Hm.' }, { kind: 'text', text: 'It is there.' }),
      progressed(
        2,
        { kind: 'tool', toolCallId: '1', title: 'Read a file', tool: 'read', status: 'in_progress' },
        { kind: 'tool', toolCallId: '1', title: 'Read a file', tool: 'read', status: 'completed' },
        { kind: 'permission', title: 'rm -rf /', decision: 'denied', reason: 'outside' },
        {
          kind: 'plan',
          entries: [
            { content: 'One', status: 'completed' },
            { content: 'Two', status: 'in_progress' },
          ],
        },
      ),
      { type: 'TaskInterrupted', v: 1, attempt: 1, cause: 'worker-lost', error },
      { type: 'TaskRetried', v: 1, failures: 1, priority: 'normal' },
      started(2),
      completed(),
    ]);
    assert.equal(code, 0);
    assert.deepEqual(both.split('\n'), [
      'pending, priority normal',
      'processing, attempt 1',
      'It is there.',
      'read: Read a file (completed)',
      'denied: rm -rf / (outside)',
      'plan: 1 of 2 done, now Two',
      'attempt 1 ended (worker-lost): The worker went away.',
      'pending again',
      'processing, attempt 2',
      'It is there.',
      'completed',
      '',
    ]);
  });

  test('has a live line on a terminal that says what goes on and for how long', async () => {
    const { stderr } = await watch([submitted(), started(), completed()], [], { tty: true });
    // The task began one second into the minute that the clock of these tests shows the end of.
    assert.ok(stderr.includes('processing · 0:59'), stderr);
  });

  test('does not let an agent take over the terminal', async () => {
    const attack = '\u001b[2J\u001b]0;title\u0007\u009b1A';
    const tool = {
      kind: 'tool',
      toolCallId: '1',
      title: `a\n${attack}completed`,
      tool: attack,
      status: 'failed',
    } as const;
    const facts = [submitted(), started(), said(1, attack), progressed(2, tool), completed(`${attack}.`)];
    for (const args of [[], ['--json']]) {
      const { both } = await watch(facts, args);

      assert.doesNotMatch(both, /[\u0007\u001b\u009b]/);
    }
  });

  test('reads a result that is too long for a fact from the task', async () => {
    const result = {
      kind: 'stored',
      sha256: 'a'.repeat(64),
      bytes: 99,
      type: 'text/plain',
      preview: 'The beginn',
    } as const;
    const { stdout } = await watch([
      submitted(),
      started(),
      { type: 'TaskCompleted', v: 1, attempt: 1, result, stopReason: '' },
    ]);
    assert.equal(stdout, 'The beginn\n');
  });

  test('shows a fact of a newer service by its name and goes on', async () => {
    const taskId = service.addTask(submitted(), started(), said(1, 'a'), completed());
    Object.assign(service.facts(taskId)[2] ?? {}, { updates: [{ kind: 'dream' }] });
    const { code, stderr } = await commandLine(service.url)(['watch', taskId]);
    assert.match(stderr, /^TaskProgressed$/m);
    assert.equal(code, 0);
  });

  test('reconnects by itself, says so, and prints nothing twice', async () => {
    service.liveFaults.push({ fault: 'ended', behind: 3, how: 'cut' }, { fault: 'refused', status: 503 });
    const { code, stdout, stderr } = await watch([
      submitted(),
      started(),
      said(1, 'a'),
      said(2, 'b'),
      said(3, 'c'),
      failed(),
    ]);
    assert.deepEqual([code, stdout], [1, 'a\nbc\n']);
    assert.match(stderr, /^connection lost \(the connection was closed\), trying again/m);
    assert.match(stderr, /^reconnected, replayed 3 events$/m);
    assert.equal(stderr.match(/connection lost/g)?.length, 1);
  });

  test('says on the live line that it is not connected while it is not', async () => {
    service.liveFaults.push({ fault: 'ended', behind: 2, how: 'closed' });
    const { stderr } = await watch([submitted(), started(), completed()], [], { tty: true });
    assert.ok(stderr.includes('not connected; last known: processing'), stderr);
  });

  test('waits for the service as long as it takes once the outcome is known', async () => {
    service.liveFaults.push({ fault: 'none' });
    const taskId = service.addTask(submitted());
    const subscribed = service.subscribed();
    const watching = commandLine(service.url)(['watch', taskId]);
    await subscribed;
    service.httpFaults.push({ status: 503 }, 'dropped', { status: 500 });
    service.append(taskId, started(), completed());
    const { code, stdout } = await watching;
    assert.deepEqual([code, stdout], [0, 'It is there.\n']);
  });

  test('Ctrl-C stops following, says that the task goes on and how to stop it, and exits 130', async () => {
    const taskId = service.addTask(submitted());
    const stop = new AbortController();
    const subscribed = service.subscribed();
    const watching = commandLine(service.url)(['watch', taskId], { stop: stop.signal });
    await subscribed;
    stop.abort();
    const { code, stderr } = await watching;
    assert.equal(code, 130);
    assert.ok(stderr.endsWith(`task ${taskId} goes on. To stop it: kiro-dispatch cancel ${taskId}\n`), stderr);
    assert.equal(service.facts(taskId).length, 1);
  });

  test('a task that does not exist is refused before anything is waited for', async () => {
    const { code, stderr } = await commandLine(service.url)(['watch', 'nonsense/../x']);
    assert.deepEqual([code, stderr], [2, 'There is no such thing, or it is not yours to see.\n']);
  });
});

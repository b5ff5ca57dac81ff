/** `submit`: one task for one command, whatever the network does, and an exit code that says how it ended. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { commandLine } from './command-line.ts';
import type { Run } from './command-line.ts';
import { cancelled, completed, failed, said, started } from './facts.ts';
import { startFakeService } from './fake-service.ts';
import type { FakeService } from './fake-service.ts';

void suite('submit', () => {
  let service: FakeService;
  before(async () => void (service = await startFakeService()));
  after(() => service[Symbol.asyncDispose]());
  beforeEach(() => {
    service.seen.length = 0;
    service.httpFaults.length = 0;
    service.liveFaults.length = 0;
  });

  const cli = (args: readonly string[], run?: Run) => commandLine(service.url)(args, run);
  const posts = () => service.seen.filter(({ method }) => method === 'POST');
  const newest = (): string => service.taskIds().at(-1) ?? '';
  /** A worker that takes the next task up as soon as somebody follows it. */
  const work = async (...facts: Parameters<FakeService['append']>[1][]): Promise<void> => {
    await service.subscribed();
    service.append(newest(), ...facts);
  };

  test('prints the id of the task and nothing else on stdout, so that a script can take it', async () => {
    const { code, stdout, stderr } = await cli(['submit', 'Add a README.']);
    assert.deepEqual([code, stdout], [0, `${newest()}\n`]);
    assert.match(stderr, /kiro-dispatch watch/);
  });

  test('sends what it was given, under names that the service knows', async () => {
    const options = ['--priority', 'high', '--session', 's', '--repository', 'a/b', '--ref', 'main', '--timeout', '90'];
    const more = ['--budget', '1.5', '--metadata', 'ticket=A=1', '--metadata', 'team=', '--idempotency-key', 'mine'];
    assert.equal((await cli(['submit', 'Add.', ...options, ...more])).code, 0);
    const [{ body, headers } = { body: undefined, headers: {} }] = posts();
    assert.deepEqual(body, {
      ...{ message: 'Add.', priority: 'high', sessionId: 's', repository: 'a/b', ref: 'main', timeoutMs: 90_000 },
      ...{ limits: { credits: 1.5 }, metadata: { ticket: 'A=1', team: '' } },
    });
    assert.equal(headers['idempotency-key'], 'mine');
  });

  test('sends only what it was given', async () => {
    await cli(['submit', 'Add.']);
    assert.deepEqual(posts()[0]?.body, { message: 'Add.' });
  });

  test('reads the prompt from standard input for -', async () => {
    await cli(['submit', '-'], { input: 'line one\nline two\n' });
    assert.deepEqual(posts()[0]?.body, { message: 'line one\nline two\n' });
  });

  test('an answer that is lost, a connection that drops and 503 lead to one task', async () => {
    const before = service.taskIds().length;
    service.httpFaults.push('lost-answer', 'dropped', { status: 503 }, 'lost-answer');
    const { code, stderr } = await cli(['submit', 'Add.']);
    assert.equal(code, 0);
    assert.equal(posts().length, 5);
    assert.equal(service.taskIds().length, before + 1);
    assert.equal(new Set(posts().map(({ headers }) => headers['idempotency-key'])).size, 1);
    assert.equal(stderr.match(/trying again/g)?.length, 1);
  });

  test('two submissions are two tasks', async () => {
    const before = service.taskIds().length;
    await cli(['submit', 'Add.']);
    await cli(['submit', 'Add.']);
    assert.equal(service.taskIds().length, before + 2);
  });

  test('a wait that Retry-After makes too long is given up at once, with the way to repeat it safely', async () => {
    const body = { title: 'There is more work than can be taken on now.', detail: '10 tasks wait.' };
    service.httpFaults.push({ status: 503, retryAfter: '60', body });
    const { code, stdout, stderr } = await cli(['submit', 'Add.', '--idempotency-key', 'mine']);
    assert.deepEqual([code, stdout], [3, '']);
    assert.match(stderr, /--idempotency-key mine/);
    assert.match(stderr, /There is more work than can be taken on now: 10 tasks wait\.\n$/);
  });

  test('a refusal is one sentence with the fields that are wrong, and is not asked again', async () => {
    const { code, stdout, stderr } = await cli(['submit', '']);
    assert.deepEqual([code, stdout], [2, '']);
    assert.equal(stderr, 'The request is not valid: /message must not be blank.\n');
    assert.equal(posts().length, 1);
  });

  const endings = [
    { facts: [started(), completed('Done.')], code: 0, stdout: 'Done.\n', stderr: /completed\n$/ },
    {
      facts: [started(), failed()],
      code: 1,
      stdout: '',
      stderr: /failed \(agent-failed\): The agent gave up\.\nAsk for less\.\n$/,
    },
    { facts: [started(), cancelled], code: 4, stdout: '', stderr: /cancelled\n$/ },
    { facts: [started(), failed('timed-out')], code: 5, stdout: '', stderr: /failed \(timed-out\)/ },
  ];
  for (const { facts, code, stdout, stderr } of endings) {
    test(`--wait exits ${code} with ${String(stderr)}, and has only the result on stdout`, async () => {
      const [ran] = await Promise.all([cli(['submit', 'Add.', '--wait']), work(...facts)]);
      assert.deepEqual([ran.code, ran.stdout], [code, stdout]);
      assert.match(ran.stderr, stderr);
    });
  }

  test('--wait says how the task stands and leaves out what the agent says', async () => {
    const [{ stdout, stderr }] = await Promise.all([
      cli(['submit', 'Add.', '--wait']),
      work(started(), said(1, 'Thinking aloud.'), completed('Done.')),
    ]);
    assert.equal(stdout, 'Done.\n');
    assert.equal(stderr, `task ${newest()}\npending, priority normal\nprocessing, attempt 1\ncompleted\n`);
  });

  test('--wait --json prints one object, the task with its outcome', async () => {
    const [{ code, stdout, stderr }] = await Promise.all([
      cli(['submit', 'Add.', '--wait', '--json']),
      work(started(), failed()),
    ]);
    assert.equal(code, 1);
    const printed: unknown = JSON.parse(stdout);
    assert.partialDeepStrictEqual(printed, { taskId: newest(), status: 'failed', error: { class: 'agent-failed' } });
    assert.equal(stderr, '');
  });

  test('--follow prints the words as they come, and the result once', async () => {
    const [{ code, stdout }] = await Promise.all([
      cli(['submit', 'Add.', '--follow']),
      work(started(), said(1, 'I add it. '), said(2, 'It is there.'), completed('It is there.')),
    ]);
    assert.deepEqual([code, stdout], [0, 'I add it. It is there.\n']);
  });

  test('--follow --json prints the facts as they are stored, one to a line', async () => {
    const [{ stdout }] = await Promise.all([
      cli(['submit', 'Add.', '--follow', '--json']),
      work(started(), completed()),
    ]);
    const lines = stdout.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line): unknown => JSON.parse(line)),
      service.facts(newest()),
    );
  });
});

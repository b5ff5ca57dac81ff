import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SessionId } from '#events/ids.ts';
import { previewOf } from '#events/text.ts';
import { pausing, says, untilCancelled } from '#test/support/scripted-agent.ts';
import { testWorker, testWorld } from './worker-bench.ts';

const resultOf = ({ result }: { result?: Parameters<typeof previewOf>[0] | undefined }) => result && previewOf(result);

describe('a task that a worker runs', () => {
  it('is started, reported on and completed, in this order', async () => {
    const world = testWorld();
    const worker = testWorker(world, says('hello', { kind: 'usage', credits: 0.1 }, { kind: 'usage', credits: 0.2 }));
    const taskId = await world.submit('say hello');
    assert.equal(await worker.take(taskId), 'ran');
    const task = await world.read(taskId);
    assert.equal(task.status, 'completed');
    assert.equal(resultOf(task), 'hello');
    assert.equal(task.usage.credits, 0.3);
    assert.deepEqual(await world.typesOf(taskId), [
      'TaskSubmitted',
      'TaskStarted',
      'TaskProgressed',
      'TaskProgressed',
      'TaskCompleted',
    ]);
  });

  it('is run by one of two workers that hear of it at the same moment', async () => {
    const world = testWorld();
    const [one, two] = [testWorker(world, says('one')), testWorker(world, says('two'))];
    const taskId = await world.submit('once');
    await Promise.all([one.take(taskId), two.take(taskId)]);
    const types = await world.typesOf(taskId);
    assert.equal(types.filter((type) => type === 'TaskStarted').length, 1);
    assert.equal(types.filter((type) => type === 'TaskCompleted').length, 1);
    assert.equal(one.agents.started.length + two.agents.started.length, 1);
  });

  it('is left alone when it is over', async () => {
    const world = testWorld();
    const worker = testWorker(world, says('hello'));
    const taskId = await world.submit('say hello');
    await worker.take(taskId);
    assert.equal(await worker.take(taskId), 'not-pending');
  });

  it('is cancelled by its worker when it hears of the request, and the agent is stopped', async () => {
    const world = testWorld();
    const { script, atWork } = pausing();
    const worker = testWorker(world, script);
    const taskId = await world.submit('long');
    const ran = worker.take(taskId);
    await atWork;
    await world.handleTask(`task/${taskId}`, { type: 'request-cancel' }, { actor: 'api:test', correlationId: 'c' });
    worker.runs.cancel(taskId);
    await ran;
    assert.equal((await world.read(taskId)).status, 'cancelled');
  });

  it('is cancelled even when the worker hears of it only from its own next report', async () => {
    const world = testWorld();
    const atWork = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const worker = testWorker(world, async (turn, signal) => {
      atWork.resolve();
      await goOn.promise;
      return untilCancelled(turn, signal);
    });
    const taskId = await world.submit('long');
    const ran = worker.take(taskId);
    await atWork.promise;
    await world.handleTask(`task/${taskId}`, { type: 'request-cancel' }, { actor: 'api:test', correlationId: 'c' });
    goOn.resolve();
    await ran;
    assert.equal((await world.read(taskId)).status, 'cancelled');
  });

  it('goes back to the queue without costing an attempt when its worker is shut down', async () => {
    const world = testWorld();
    const { script, atWork } = pausing();
    const worker = testWorker(world, script);
    const taskId = await world.submit('long');
    const ran = worker.take(taskId);
    await atWork;
    worker.runs.interruptAll();
    await ran;
    const { status, attempt, failures } = await world.read(taskId);
    assert.deepEqual({ status, attempt, failures }, { status: 'pending', attempt: 1, failures: 0 });
  });

  it('fails as timed out when the agent takes longer than the task may', async () => {
    const world = testWorld();
    const worker = testWorker(world, untilCancelled);
    const taskId = await world.submit('long', { timeoutMs: 5 });
    await worker.take(taskId);
    const { status, error } = await world.read(taskId);
    assert.equal(status, 'failed');
    assert.equal(error?.class, 'timed-out');
  });

  it('fails as over budget as soon as the agent reports more credits than the task may use', async () => {
    const world = testWorld();
    const worker = testWorker(world, async (turn, signal) => {
      turn.onUpdate({ kind: 'usage', credits: 2 });
      return untilCancelled(turn, signal);
    });
    const taskId = await world.submit('dear', { limits: { credits: 1 } });
    await worker.take(taskId);
    const { error, usage } = await world.read(taskId);
    assert.equal(error?.class, 'budget-exceeded');
    assert.equal(usage.credits, 2);
  });

  it('is tried three times when the agent fails in a way that may pass, and then fails with the reason', async () => {
    const world = testWorld();
    const error = { class: 'agent-failed', message: 'it fell over', remedy: 'try again', retryable: true } as const;
    const worker = testWorker(world, async () => ({ outcome: 'failed', error, reusable: false }));
    const taskId = await world.submit('unlucky');
    for (const status of ['pending', 'pending', 'failed']) {
      await worker.take(taskId);
      assert.equal((await world.read(taskId)).status, status);
    }
    assert.deepEqual((await world.read(taskId)).error, error);
    assert.equal(worker.agents.started.length, 3);
  });

  it('ends at once when the agent fails in a way that will not pass', async () => {
    const world = testWorld();
    const error = { class: 'agent-failed', message: 'it refused', remedy: 'ask otherwise', retryable: false } as const;
    const worker = testWorker(world, async () => ({ outcome: 'failed', error, reusable: true }));
    const taskId = await world.submit('refused');
    await worker.take(taskId);
    assert.deepEqual((await world.read(taskId)).error, error);
  });

  it('is changed no more by a worker whose attempt was taken from it', async () => {
    const world = testWorld();
    const { script, atWork } = pausing();
    const late = testWorker(world, script);
    const taskId = await world.submit('long');
    const ran = late.take(taskId);
    await atWork;
    const error = { class: 'worker-lost', message: 'm', remedy: 'r', retryable: true } as const;
    const rescue = { type: 'interrupt', attempt: 1, cause: 'worker-lost', error } as const;
    await world.handleTask(`task/${taskId}`, rescue, { actor: 'worker:other', correlationId: 'c' });
    const successor = testWorker(world, says('the outcome'));
    await successor.take(taskId);
    late.runs.interruptAll();
    await ran;
    const { status, attempt, result } = await world.read(taskId);
    assert.deepEqual(
      { status, attempt, result: resultOf({ result }) },
      { status: 'completed', attempt: 2, result: 'the outcome' },
    );
    assert.equal((await world.typesOf(taskId)).filter((type) => /Completed|Failed|Cancelled/.test(type)).length, 1);
  });
});

describe('a conversation', () => {
  const sessionOf = async (world: ReturnType<typeof testWorld>, taskId: Parameters<typeof world.read>[0]) =>
    SessionId.parse((await world.read(taskId)).sessionId);

  it('goes on in the same process, which is told nothing twice', async () => {
    const world = testWorld();
    const worker = testWorker(world, says('yes'));
    const first = await world.submit('first');
    await worker.take(first);
    const second = await world.submit('second', { sessionId: await sessionOf(world, first) });
    await worker.take(second);
    assert.deepEqual(
      worker.agents.started.map(({ prompts }) => prompts),
      [['first', 'second']],
    );
    assert.equal((await world.read(second)).sessionId, (await world.read(first)).sessionId);
  });

  it('goes on in another process, which is told what was said, when the first is gone', async () => {
    const world = testWorld();
    const first = await world.submit('my name is Ada');
    const lost = testWorker(world, says('hello Ada'));
    await lost.take(first);
    await lost.pool[Symbol.asyncDispose]();
    await lost.facts.settled(await sessionOf(world, first));
    const worker = testWorker(world, says('Ada'));
    const second = await world.submit('who am I?', { sessionId: await sessionOf(world, first) });
    await worker.take(second);
    const prompt = worker.agents.started.at(0)?.prompts[0];
    assert.match(prompt ?? '', /my name is Ada[\s\S]*hello Ada[\s\S]*who am I\?/);
    assert.equal((await world.read(second)).status, 'completed');
  });

  it('is loaded by an agent that can, and then nothing is told twice', async () => {
    const world = testWorld();
    const first = await world.submit('my name is Ada');
    const lost = testWorker(world, says('hello Ada'));
    await lost.take(first);
    await lost.pool[Symbol.asyncDispose]();
    await lost.facts.settled(await sessionOf(world, first));
    const worker = testWorker(world, says('Ada'), true);
    await worker.take(await world.submit('who am I?', { sessionId: await sessionOf(world, first) }));
    const [agent] = worker.agents.started;
    assert.deepEqual([agent?.prompts, agent?.conversations], [['who am I?'], ['conversation-1-1']]);
  });

  it('is left to the worker that holds it, while that worker lives', async () => {
    const world = testWorld();
    const holder = testWorker(world, says('mine'));
    const first = await world.submit('first');
    await holder.take(first);
    const sessionId = await sessionOf(world, first);
    await holder.facts.settled(sessionId);
    const other = testWorker(world, says('not mine'));
    const second = await world.submit('second', { sessionId });
    assert.equal(await other.take(second), 'elsewhere');
    world.pass(30_001);
    assert.equal(await other.take(second), 'ran');
  });

  it('lets a second prompt wait for the first, and takes the oldest next', async () => {
    const world = testWorld();
    const { script, atWork } = pausing();
    const worker = testWorker(world, script);
    const first = await world.submit('first');
    const ran = worker.take(first);
    await atWork;
    const sessionId = await sessionOf(world, first);
    const second = await world.submit('second', { sessionId });
    world.pass(1);
    const third = await world.submit('third', { sessionId });
    assert.equal(await worker.take(third), 'waiting');
    assert.equal(await worker.take(second), 'waiting');
    assert.deepEqual(worker.dispatcher.ready(), []);
    worker.runs.interruptAll();
    assert.equal(await ran, 'ran');
    const taken = [worker.dispatcher.ready(), worker.dispatcher.ready(), worker.dispatcher.ready()];
    assert.deepEqual(taken, [[`task/${second}`], [`task/${third}`], []]);
  });
});

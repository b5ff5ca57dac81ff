import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AccountId, SessionId } from '#events/ids.ts';
import { Task } from '#events/task.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { pausing, says } from '#test/support/scripted-agent.ts';
import type { Script } from '#test/support/scripted-agent.ts';
import { origin, testWorker, testWorld } from './worker-bench.ts';

describe('a worker under trouble', () => {
  const resultText = 'x'.repeat(40_000);

  it('runs a task once of which it hears twice, and can still hand it back', async () => {
    const world = testWorld();
    const { script, atWork } = pausing();
    const worker = testWorker(world, script);
    const taskId = await world.submit('long');
    const both = Promise.all([worker.take(taskId), worker.take(taskId)]);
    await atWork;
    assert.ok(worker.runs.isRunning(taskId));
    worker.runs.interruptAll();
    assert.deepEqual((await both).sort(), ['not-pending', 'ran']);
    assert.equal((await world.read(taskId)).status, 'pending');
  });

  it('keeps a result that could not be stored at first, and gives the session back', async () => {
    const world = testWorld();
    const { put } = world.artifacts;
    let failures = 1;
    world.artifacts.put = async (...args) => {
      failures -= 1;
      if (failures >= 0) throw new Error('the artifact store is away');
      await put(...args);
    };
    const worker = testWorker(world, says(resultText));
    const taskId = await world.submit('say much');
    await worker.take(taskId);
    assert.equal((await world.read(taskId)).status, 'completed');
    assert.equal(worker.pool.load.active, 0);
  });

  it('leaves no process behind when the history of a conversation cannot be read', async () => {
    const world = testWorld();
    const first = await world.submit('first');
    const lost = testWorker(world, says(resultText));
    await lost.take(first);
    await lost.pool[Symbol.asyncDispose]();
    const sessionId = SessionId.parse((await world.read(first)).sessionId);
    await lost.facts.settled(sessionId);
    world.artifacts.get = async () => Promise.reject(new Error('the artifact store is away'));
    const worker = testWorker(world, says('second'));
    const second = await world.submit('second', { sessionId });
    await worker.take(second);
    assert.equal((await world.read(second)).failures, 1);
    assert.equal(worker.pool.load.processes, 0);
  });

  it('works as the attempt that it claimed when another worker had the task in between', async () => {
    const world = testWorld();
    const taskId = await world.submit('handed around');
    const stale = await world.store.readRow(`task/${taskId}`);
    const other = testWorker(world, says('unused'));
    const start = { type: 'start', workerId: other.workerId, sessionId: SessionId.parse(uuidv7(1)) } as const;
    await world.handleTask(`task/${taskId}`, start, origin);
    const error = { class: 'worker-lost', message: 'm', remedy: 'r', retryable: true } as const;
    await world.handleTask(`task/${taskId}`, { type: 'interrupt', attempt: 1, cause: 'shutdown', error }, origin);
    const worker = testWorker(world, says('done'));
    const candidate = { task: Task.parse(stale?.row), version: stale?.version ?? 0, traceparent: undefined };
    const extend = async () => undefined;
    await worker.runs.run({ ...candidate, sessionId: SessionId.parse(uuidv7(2)), extend });
    const { status, attempt } = await world.read(taskId);
    assert.deepEqual({ status, attempt }, { status: 'completed', attempt: 2 });
  });

  it('goes on with nothing that was closed under it: the next prompt is told what was said elsewhere', async () => {
    const world = testWorld();
    const first = await world.submit('p');
    const asleep = testWorker(world, says('a'));
    await asleep.take(first);
    const sessionId = SessionId.parse((await world.read(first)).sessionId);
    await asleep.facts.settled(sessionId);
    world.pass(60_000);
    const other = testWorker(world, says('b'));
    await other.take(await world.submit('q', { sessionId }));
    await other.facts.settled(sessionId);
    const [session] = asleep.pool.sessions;
    assert.ok(session && !(await asleep.facts.touch(session)));
    world.pass(60_000);
    await asleep.take(await world.submit('r', { sessionId }));
    assert.match(asleep.agents.started.at(-1)?.prompts.at(-1) ?? '', /q[\s\S]*b[\s\S]*r/);
  });

  it('lets one of two workers have a conversation that both take up at the same moment', async () => {
    const world = testWorld();
    const first = await world.submit('first');
    const lost = testWorker(world, says('one'));
    await lost.take(first);
    await lost.pool[Symbol.asyncDispose]();
    const sessionId = SessionId.parse((await world.read(first)).sessionId);
    await lost.facts.settled(sessionId);
    let [turns, turnsAtOnce] = [0, 0];
    const script: Script = async (turn, signal) => {
      turns += 1;
      turnsAtOnce = Math.max(turnsAtOnce, turns);
      await new Promise((resolve) => setImmediate(resolve));
      turns -= 1;
      return says('two')(turn, signal);
    };
    const [one, two] = [testWorker(world, script), testWorker(world, script)];
    const tasks = [await world.submit('second', { sessionId }), await world.submit('third', { sessionId })] as const;
    await Promise.all([one.take(tasks[0]), two.take(tasks[1])]);
    assert.equal(turnsAtOnce, 1);
    assert.equal(one.pool.sessions.length + two.pool.sessions.length, 1);
  });

  it('never works in a session of another account', async () => {
    const world = testWorld();
    const first = await world.submit('mine');
    const worker = testWorker(world, says('done'));
    await worker.take(first);
    const { sessionId } = await world.read(first);
    const foreign = await world.submit('yours?', { sessionId, owner: AccountId.parse('eve000000000') });
    await worker.take(foreign);
    assert.equal((await world.read(foreign)).error?.class, 'invalid-input');
    assert.deepEqual(
      worker.agents.started.flatMap(({ prompts }) => prompts),
      ['mine'],
    );
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SessionId } from '#events/ids.ts';
import { silent } from '#platform/log.ts';
import { says, untilCancelled } from '#test/support/scripted-agent.ts';
import { reconcile } from '../../../services/worker/reconcile.ts';
import { origin, testWorker, testWorld } from './worker-bench.ts';

const look = (world: ReturnType<typeof testWorld>, free = 5) => {
  const offered: string[] = [];
  const { handleTask, handleSession, clock } = world;
  const deps = { ...world.store, handleTask, handleSession, clock, origin, log: silent };
  const offer = (stream: string) => void offered.push(stream);
  const isOurs = { task: () => false, session: () => false };
  return reconcile({ ...deps, ...{ offer, isOurs, isLeft: async () => false }, free: () => free }).then((done) => ({
    ...done,
    streams: offered,
  }));
};

/** A worker that took a task and then gave no sign of life any more. */
const silentWorker = async (world: ReturnType<typeof testWorld>, more = {}) => {
  const atWork = Promise.withResolvers<void>();
  const worker = testWorker(world, (turn, signal) => {
    atWork.resolve();
    return untilCancelled(turn, signal);
  });
  const taskId = await world.submit('long', more);
  const ran = worker.take(taskId);
  await atWork.promise;
  await worker.facts.settled(SessionId.parse((await world.read(taskId)).sessionId));
  return { worker, taskId, ran };
};

describe('the reconciler', () => {
  it('gives a task whose worker was silent for 30 s to another attempt, and closes the session', async () => {
    const world = testWorld();
    const { worker, taskId, ran } = await silentWorker(world);
    world.pass(30_000);
    assert.equal((await look(world)).rescued, 0);
    world.pass(1);
    const { rescued, closed } = await look(world);
    assert.deepEqual({ rescued, closed }, { rescued: 1, closed: 1 });
    const { status, failures } = await world.read(taskId);
    assert.deepEqual({ status, failures }, { status: 'pending', failures: 1 });
    worker.runs.interruptAll();
    await ran;
    assert.equal((await world.read(taskId)).status, 'pending');
  });

  it('leaves a worker alone whose heartbeat comes between the look and the word', async () => {
    const world = testWorld();
    const { worker, taskId, ran } = await silentWorker(world);
    world.pass(30_001);
    const stale = await world.store.listRows('task', { order: 'oldest-first', limit: 10 });
    await world.store.markRow(`task/${taskId}`, { heartbeatAt: world.clock() }, []);
    const { handleTask, handleSession, clock } = world;
    const deps = {
      handleTask,
      handleSession,
      clock,
      origin,
      log: silent,
      offer: () => undefined,
      free: () => 0,
      isLeft: async () => false,
      isOurs: { task: () => false, session: () => false },
    };
    const listRows: typeof world.store.listRows = async (kind) => (kind === 'task' ? stale : { rows: [] });
    assert.equal((await reconcile({ ...deps, listRows })).rescued, 0);
    assert.equal((await world.read(taskId)).status, 'processing');
    worker.runs.interruptAll();
    await ran;
  });

  it('cancels a task whose worker died before it could confirm the cancel', async () => {
    const world = testWorld();
    const { worker, taskId, ran } = await silentWorker(world);
    await world.handleTask(`task/${taskId}`, { type: 'request-cancel' }, origin);
    world.pass(30_001);
    await look(world);
    assert.equal((await world.read(taskId)).status, 'cancelled');
    worker.runs.interruptAll();
    await ran;
  });

  it('fails a task that is far past its limit although its worker gives signs of life', async () => {
    const world = testWorld();
    const { worker, taskId, ran } = await silentWorker(world, { timeoutMs: 60_000 });
    world.pass(90_001);
    await world.store.markRow(`task/${taskId}`, { heartbeatAt: world.clock() }, []);
    assert.equal((await look(world)).rescued, 1);
    assert.equal((await world.read(taskId)).error?.class, 'timed-out');
    worker.runs.interruptAll();
    await ran;
    assert.equal((await world.read(taskId)).status, 'failed');
  });

  it('offers the oldest tasks that nobody took for 15 s, no more than there are free sessions', async () => {
    const world = testWorld();
    const oldest = await world.submit('first');
    world.pass(1);
    await world.submit('second');
    world.pass(15_000);
    const young = await world.submit('young');
    const { streams } = await look(world, 1);
    assert.deepEqual(streams, [`task/${oldest}`]);
    assert.ok(!(await look(world, 5)).streams.includes(`task/${young}`));
    assert.deepEqual((await look(world, 0)).streams, []);
  });

  it('passes over a row that it cannot read and looks at the others', async () => {
    const world = testWorld();
    const broken = await world.submit('broken');
    world.pass(1);
    const lost = await world.submit('lost');
    world.pass(15_000);
    const { listRows } = world.store;
    const handleRows: typeof listRows = async (kind, query) => {
      const page = await listRows(kind, query);
      const spoil = (row: (typeof page.rows)[number]['row']) =>
        row['taskId'] === broken ? { ...row, priority: 7 } : row;
      return { ...page, rows: page.rows.map((stored) => ({ ...stored, row: spoil(stored.row) })) };
    };
    const { streams } = await look({ ...world, store: { ...world.store, listRows: handleRows } });
    assert.deepEqual(streams, [`task/${lost}`]);
  });

  it('finds nothing to do where everything is well', async () => {
    const world = testWorld();
    const worker = testWorker(world, says('fine'));
    await worker.take(await world.submit('quick'));
    const { rescued, offered, closed } = await look(world);
    assert.deepEqual({ rescued, offered, closed }, { rescued: 0, offered: 0, closed: 0 });
  });
});

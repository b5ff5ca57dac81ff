import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SessionId } from '#events/ids.ts';
import { silent } from '#platform/log.ts';
import { says, untilCancelled } from '#test/support/scripted-agent.ts';
import { leaseMs } from '../../../services/worker/attempt.ts';
import { confirmMs, lookEveryMs, reconcile } from '../../../services/worker/reconcile.ts';
import { sightings } from '../../../services/worker/sightings.ts';
import { origin, testWorker, testWorld } from './worker-bench.ts';

const hourMs = 3_600_000;

/** A reconciler that looks when it is told to. Its own clock passes with the world's, and is not set when that is set. */
const reconciler = (world: ReturnType<typeof testWorld>, skewMs = 0) => {
  const { handleTask, handleSession } = world;
  const clock = () => world.clock() + skewMs;
  const seen = sightings(world.clock);
  const isOurs = { task: () => false, session: () => false };
  return async (free = 5, listRows = world.store.listRows) => {
    const streams: string[] = [];
    const deps = { listRows, handleTask, handleSession, isOurs, seen, confirmMs, clock, origin, log: silent };
    const offer = (stream: string) => void streams.push(stream);
    const done = await reconcile({ ...deps, offer, isLeft: async () => false, free: () => free });
    return { ...done, streams };
  };
};

/** Looks every 15 s while this long passes; how many tasks were rescued. */
const lookFor = async (world: ReturnType<typeof testWorld>, look: ReturnType<typeof reconciler>, ms: number) => {
  let { rescued } = await look();
  for (let passed = 0; passed < ms; passed += lookEveryMs) {
    world.pass(lookEveryMs);
    rescued += (await look()).rescued;
  }
  return rescued;
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
    const look = reconciler(world);
    world.pass(confirmMs);
    assert.equal((await look()).rescued, 0);
    world.pass(leaseMs - confirmMs);
    assert.equal((await look()).rescued, 0);
    world.pass(1);
    const { rescued, closed } = await look();
    assert.deepEqual({ rescued, closed }, { rescued: 1, closed: 1 });
    const { status, failures } = await world.read(taskId);
    assert.deepEqual({ status, failures }, { status: 'pending', failures: 1 });
    worker.runs.interruptAll();
    await ran;
    assert.equal((await world.read(taskId)).status, 'pending');
  });

  for (const skewMs of [-hourMs, hourMs]) {
    it(`with a clock that is ${skewMs / hourMs} h off leaves a worker alone that lives, and misses none that died`, async () => {
      const world = testWorld();
      const { worker, taskId, ran } = await silentWorker(world, { timeoutMs: hourMs });
      const look = reconciler(world, skewMs);
      for (let beats = 0; beats < 10; beats += 1) {
        await world.store.markRow(`task/${taskId}`, { heartbeatAt: world.clock() }, []);
        assert.equal((await look()).rescued, 0);
        world.pass(lookEveryMs);
      }
      assert.equal(await lookFor(world, look, leaseMs), 1);
      worker.runs.interruptAll();
      await ran;
    });
  }

  it('leaves a worker alone whose heartbeat comes between the look and the word', async () => {
    const world = testWorld();
    const { worker, taskId, ran } = await silentWorker(world);
    const look = reconciler(world);
    await look();
    world.pass(30_001);
    const stale = await world.store.listRows('task', { order: 'oldest-first', limit: 10 });
    await world.store.markRow(`task/${taskId}`, { heartbeatAt: world.clock() }, []);
    assert.equal((await look(0, async (kind) => (kind === 'task' ? stale : { rows: [] }))).rescued, 0);
    assert.equal((await world.read(taskId)).status, 'processing');
    worker.runs.interruptAll();
    await ran;
  });

  it('cancels a task whose worker died before it could confirm the cancel', async () => {
    const world = testWorld();
    const { worker, taskId, ran } = await silentWorker(world);
    await world.handleTask(`task/${taskId}`, { type: 'request-cancel' }, origin);
    assert.equal(await lookFor(world, reconciler(world), 45_000), 1);
    assert.equal((await world.read(taskId)).status, 'cancelled');
    worker.runs.interruptAll();
    await ran;
  });

  it('fails a task that is far past its limit although its worker gives signs of life', async () => {
    const world = testWorld();
    const { worker, taskId, ran } = await silentWorker(world, { timeoutMs: 60_000 });
    const look = reconciler(world);
    await look();
    world.pass(90_001);
    await world.store.markRow(`task/${taskId}`, { heartbeatAt: world.clock() }, []);
    assert.equal((await look()).rescued, 1);
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
    const look = reconciler(world);
    const { streams } = await look(1);
    assert.deepEqual(streams, [`task/${oldest}`]);
    assert.ok(!(await look(5)).streams.includes(`task/${young}`));
    assert.deepEqual((await look(0)).streams, []);
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
    const { streams } = await reconciler(world)(5, handleRows);
    assert.deepEqual(streams, [`task/${lost}`]);
  });

  it('finds nothing to do where everything is well', async () => {
    const world = testWorld();
    const worker = testWorker(world, says('fine'));
    await worker.take(await world.submit('quick'));
    const { rescued, offered, closed } = await reconciler(world)();
    assert.deepEqual({ rescued, offered, closed }, { rescued: 0, offered: 0, closed: 0 });
  });
});

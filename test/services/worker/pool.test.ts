import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AccountId, SessionId } from '#events/ids.ts';
import type { CloseReason } from '#events/session.ts';
import type { StartAgent } from '#platform/agent/agent.ts';
import { silent } from '#platform/log.ts';
import type { Log } from '#platform/log.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { eventually } from '#test/support/eventually.ts';
import { recordedLog } from '#test/support/recorded-log.ts';
import { says, scriptedAgents } from '#test/support/scripted-agent.ts';
import { SessionPool } from '../../../services/worker/pool.ts';
import type { PoolSettings } from '../../../services/worker/pool.ts';

const ada = AccountId.parse('ada000000000');
const bob = AccountId.parse('bob000000000');
const never = new AbortController().signal;
const settings: PoolSettings = { sessionsMax: 2, idleMs: 600_000, tasksMax: 3, contextPercentMax: 90, spares: 0 };

const poolOf = (changed: Partial<PoolSettings> = {}, log: Log = silent) => {
  const agents = scriptedAgents(says('done'));
  const closed: [SessionId, CloseReason][] = [];
  const hears = {
    opened: () => undefined,
    closed: ({ sessionId }: { sessionId: SessionId }, reason: CloseReason) => void closed.push([sessionId, reason]),
  };
  let now = 0;
  const pool = new SessionPool(agents.start, { ...settings, ...changed }, hears, () => now, log);
  const open = async (owner = ada) => {
    const sessionId = SessionId.parse(uuidv7(Date.now()));
    return pool.open({ sessionId, generation: 1, owner, workDirectory: '/work' }, never);
  };
  return { pool, agents, closed, open, pass: (ms: number) => (now += ms) };
};

describe('the session pool', () => {
  it('keeps a session after its task, so that the conversation goes on in the same process', async () => {
    const { pool, agents, open } = poolOf();
    const session = await open();
    await pool.release(session.sessionId, { reusable: true });
    assert.equal(pool.resume(session.sessionId), session);
    assert.equal(agents.started.length, 1);
  });

  it('does not give out a session that is at work', async () => {
    const { pool, open } = poolOf();
    const { sessionId } = await open();
    assert.equal(pool.resume(sessionId), undefined);
  });

  it('starts no more processes than it may and gives an idle one of the same account another conversation', async () => {
    const { pool, agents, closed, open } = poolOf();
    const first = await open();
    await pool.release(first.sessionId, { reusable: true });
    await open();
    const third = await open();
    assert.equal(agents.started.length, 2);
    assert.equal(third.agent, first.agent);
    assert.notEqual(third.conversation.id, first.conversation.id);
    assert.deepEqual(closed, [[first.sessionId, 'recycled']]);
  });

  it('never gives a process that has seen the work of one account to another', async () => {
    const { pool, agents, closed, open } = poolOf({ sessionsMax: 1 });
    const first = await open(ada);
    await pool.release(first.sessionId, { reusable: true });
    const second = await open(bob);
    assert.notEqual(second.agent, first.agent);
    assert.equal(agents.started[0]?.stopped, true);
    assert.deepEqual(closed, [[first.sessionId, 'recycled']]);
  });

  it('closes a session that nobody has used for the idle time, and none before', async () => {
    const { pool, agents, closed, open, pass } = poolOf();
    const { sessionId } = await open();
    await pool.release(sessionId, { reusable: true });
    pass(599_999);
    await pool.closeIdle();
    assert.deepEqual(closed, []);
    pass(1);
    await pool.closeIdle();
    assert.deepEqual(closed, [[sessionId, 'idle']]);
    assert.equal(agents.started[0]?.stopped, true);
  });

  it('does not close a session at work, however long it takes', async () => {
    const { pool, closed, open, pass } = poolOf();
    await open();
    pass(1e9);
    await pool.closeIdle();
    assert.deepEqual(closed, []);
  });

  it('closes a failed session at once and replaces its process', async () => {
    const { pool, agents, closed, open } = poolOf({ spares: 1 });
    const { sessionId } = await open();
    await pool.release(sessionId, { reusable: false });
    assert.deepEqual(closed, [[sessionId, 'failed']]);
    await pool.warm();
    assert.equal(agents.started.filter((agent) => !agent.stopped).length, 1);
  });

  it('recycles a session after its number of tasks', async () => {
    const { pool, closed, open } = poolOf({ tasksMax: 2 });
    const { sessionId } = await open();
    await pool.release(sessionId, { reusable: true });
    pool.resume(sessionId);
    await pool.release(sessionId, { reusable: true });
    assert.deepEqual(closed, [[sessionId, 'recycled']]);
  });

  it('recycles a session whose context is nearly full', async () => {
    const { pool, closed, open } = poolOf();
    const { sessionId } = await open();
    await pool.release(sessionId, { reusable: true, contextPercent: 90 });
    assert.deepEqual(closed, [[sessionId, 'recycled']]);
  });

  it('hears of an agent that went by itself and closes its session', async () => {
    const { agents, closed, open } = poolOf();
    const { sessionId, agent } = await open();
    agents.started[0]?.die();
    await agent.exited;
    assert.deepEqual(closed, [[sessionId, 'failed']]);
  });

  it('records how an agent was ended that its own turn had to end, and does not call it lost', async () => {
    const { log, entries } = recordedLog();
    const { closed, open } = poolOf({}, log);
    const { sessionId, agent } = await open();
    await agent.stop();
    const stopped = await eventually(
      () => entries.find(({ event }) => event === 'agent.stopped'),
      'nothing is recorded',
    );
    assert.deepEqual(stopped.fields['stages'], []);
    assert.ok(!entries.some(({ event }) => event === 'agent.lost'));
    assert.deepEqual(closed, [[sessionId, 'failed']]);
  });

  it('leaves it to an agent that died in its turn to say how the turn ended', async () => {
    const { agents, open } = poolOf();
    const { agent } = await open();
    agents.started[0]?.die();
    await agent.exited;
    assert.equal(agents.started[0]?.stopped, false);
  });

  it('counts a spare as a process, and not as one at work', async () => {
    const { pool } = poolOf({ spares: 1 });
    await pool.warm();
    assert.deepEqual(pool.load, { processes: 1, active: 0 });
  });

  it('never has more processes than it may, not even while one of them is being stopped', async () => {
    const { pool, agents, open } = poolOf();
    const [first, second] = [await open(), await open()];
    await pool.release(first.sessionId, { reusable: true });
    await pool.release(second.sessionId, { reusable: true });
    await Promise.all([open(bob), open(bob)]);
    assert.equal(agents.started.filter((agent) => !agent.stopped).length, 2);
  });

  it('takes the spare for a new conversation and starts the next spare', async () => {
    const { pool, agents, open } = poolOf({ spares: 1 });
    await pool.warm();
    const session = await open();
    assert.equal(session.agent, agents.started[0]);
    await pool.warm();
    assert.equal(agents.started.length, 2);
  });

  it('ends a spare that its taker did not wait for, when there is another one by then', async () => {
    const agents = scriptedAgents(says('done'));
    const late = Promise.withResolvers<void>();
    let starts = 0;
    const start: StartAgent = async (signal) => {
      starts += 1;
      if (starts === 1) await late.promise;
      return agents.start(signal);
    };
    const hears = { opened: () => undefined, closed: () => undefined };
    const pool = new SessionPool(start, { ...settings, sessionsMax: 5, spares: 1 }, hears, () => 0, silent);
    const open = (signal: AbortSignal) =>
      pool.open({ sessionId: SessionId.parse(uuidv7(1)), generation: 1, owner: ada, workDirectory: '/work' }, signal);
    void pool.warm();
    const leaving = new AbortController();
    const left = open(leaving.signal);
    await open(never);
    leaving.abort();
    await assert.rejects(left, /called off/);
    late.resolve();
    await pool.warm();
    const alive = () => agents.started.filter(({ stopped }) => !stopped).length;
    await eventually(() => (agents.started.length === 3 && alive() === 2) || undefined, 'the first spare is left over');
    assert.equal(pool.load.processes, 2);
  });

  it('leaves no process behind when it is closed', async () => {
    const { pool, agents, closed, open } = poolOf({ spares: 1 });
    const { sessionId } = await open();
    await pool.warm();
    await pool[Symbol.asyncDispose]();
    assert.equal(agents.started.length, 2);
    assert.ok(agents.started.every((agent) => agent.stopped));
    assert.deepEqual(closed, [[sessionId, 'shutdown']]);
  });
});

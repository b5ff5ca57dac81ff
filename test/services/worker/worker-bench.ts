/** A worker's parts on memory adapters and scripted agents, for the tests beside this file. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { catalog } from '#events/catalog.ts';
import { AccountId, TaskId, WorkerId } from '#events/ids.ts';
import type { SessionId } from '#events/ids.ts';
import { Task } from '#events/task.ts';
import type { TaskCommand } from '#events/task.ts';
import type { Artifacts } from '#platform/artifacts.ts';
import { handler } from '#platform/handle.ts';
import { silent } from '#platform/log.ts';
import { memoryArtifacts } from '#platform/memory/artifacts.ts';
import { memoryStore } from '#platform/memory/store.ts';
import type { Origin } from '#platform/store.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { scriptedAgents } from '#test/support/scripted-agent.ts';
import type { Script } from '#test/support/scripted-agent.ts';
import { dispatcher } from '../../../services/worker/dispatch.ts';
import type { Hint } from '../../../services/worker/dispatch.ts';
import { SessionPool } from '../../../services/worker/pool.ts';
import { taskRuns } from '../../../services/worker/run-task.ts';
import { sessionFacts } from '../../../services/worker/session-facts.ts';
import { obtainer, whereaboutsOf } from '../../../services/worker/sessions.ts';

export const owner = AccountId.parse('ada000000000');
export const origin: Origin = { actor: `account:${owner}`, correlationId: randomUUID() };

/** One store for as many workers as a test wants, and a clock that stands still unless it is moved. */
export const testWorld = () => {
  const start = Date.now();
  let passedMs = 0;
  const clock = () => start + passedMs;
  const store = memoryStore({ shards: 4, clock });
  const artifacts: { -readonly [Port in keyof Artifacts]: Artifacts[Port] } = memoryArtifacts();
  const handleTask = handler(catalog.task.decider, catalog.task.parseRow, store, clock);
  const handleSession = handler(catalog.session.decider, catalog.session.parseRow, store, clock);
  const read = async (taskId: TaskId): Promise<Task> => Task.parse((await store.readRow(`task/${taskId}`))?.row);
  const submit = async (
    text: string,
    more: Partial<Extract<TaskCommand, { type: 'submit' }>> = {},
  ): Promise<TaskId> => {
    const taskId = TaskId.parse(uuidv7(clock()));
    const command = {
      type: 'submit',
      owner,
      prompt: { kind: 'inline', text },
      priority: 'normal',
      timeoutMs: 60_000,
      attemptsMax: 3,
      ...more,
    } as const;
    const handled = await handleTask(`task/${taskId}`, command, origin);
    assert.equal(handled.outcome, 'appended');
    return taskId;
  };
  const typesOf = async (taskId: TaskId): Promise<string[]> =>
    (await store.readStream(`task/${taskId}`, 0)).map(({ type }) => type);
  return {
    clock,
    pass: (ms: number) => (passedMs += ms),
    store,
    artifacts,
    handleTask,
    handleSession,
    read,
    submit,
    typesOf,
  };
};

export const testWorker = (world: ReturnType<typeof testWorld>, script: Script, remembers = false) => {
  const { clock, store, artifacts, handleTask, handleSession } = world;
  const workerId = WorkerId.parse(uuidv7(clock()));
  const agents = scriptedAgents(script, { remembers });
  const facts = sessionFacts(handleSession, store.markRow, workerId, clock, silent);
  const settings = { sessionsMax: 5, idleMs: 600_000, tasksMax: 50, contextPercentMax: 90, spares: 0 };
  const pool = new SessionPool(agents.start, settings, facts, clock, silent);
  const prepareDirectory = async (sessionId: SessionId) => `/sessions/${sessionId}`;
  const reading: Artifacts = { put: (...args) => artifacts.put(...args), get: (sha256) => artifacts.get(sha256) };
  const deps = {
    ...store,
    workerId,
    pool,
    facts,
    artifacts: reading,
    handleTask,
    handleSession,
    prepareDirectory,
    clock,
  };
  const runs = taskRuns({ ...deps, agentPauseMs: 1, obtainSession: obtainer(deps), log: silent });
  const whereabouts = (candidate: Task) => whereaboutsOf(deps, candidate);
  const dispatching = dispatcher({ readRow: store.readRow, runs, whereabouts, clock, log: silent });
  const hint = (taskId: TaskId): Hint => ({
    stream: `task/${taskId}`,
    extend: async () => undefined,
    done: async () => undefined,
  });
  const take = (taskId: TaskId) => dispatching.dispatch(hint(taskId));
  return { workerId, agents, pool, runs, facts, dispatcher: dispatching, hint, take };
};

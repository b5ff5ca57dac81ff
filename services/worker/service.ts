/** A worker as one thing, made from what it is handed: it takes tasks until it is stopped, and then hands back what it holds. */
import { setTimeout as delay } from 'node:timers/promises';
import { catalog } from '#events/catalog.ts';
import type { StreamId } from '#events/envelope.ts';
import type { SessionId, WorkerId } from '#events/ids.ts';
import type { Task } from '#events/task.ts';
import type { StartAgent } from '#platform/agent/agent.ts';
import type { Artifacts } from '#platform/artifacts.ts';
import { pause } from '#platform/backoff.ts';
import { pollMs } from '#platform/connect.ts';
import { handler } from '#platform/handle.ts';
import { aborted } from '#platform/lifetime.ts';
import type { Log } from '#platform/log.ts';
import type { Commit, Origin, Store } from '#platform/store.ts';
import { subscribe } from '#platform/subscribe.ts';
import type { OnWake } from '#platform/subscribe.ts';
import { beatMs } from './attempt.ts';
import type { Directories } from './directories.ts';
import { dispatcher } from './dispatch.ts';
import { hear } from './hear.ts';
import { SessionPool } from './pool.ts';
import type { PoolSettings } from './pool.ts';
import { confirmMs, lookEveryMs, reconcile } from './reconcile.ts';
import { taskRuns } from './run-task.ts';
import { sessionFacts } from './session-facts.ts';
import { sightings } from './sightings.ts';
import { obtainer, whereaboutsOf } from './sessions.ts';
import { Offers, workLoop } from './work-loop.ts';
import type { TakeHint } from './work-loop.ts';

/** Old work directories are looked for this often. */
const tidyEveryMs = 600_000;

/** The first wait of a worker that cannot have an agent. */
const agentPauseMs = 5_000;

export type WorkerParts = {
  readonly workerId: WorkerId;
  readonly store: Store;
  readonly artifacts: Artifacts;
  readonly onWake: OnWake;
  readonly takeHint: TakeHint;
  readonly startAgent: StartAgent;
  readonly directories: Directories;
  readonly settings: PoolSettings;
  /** How long running tasks may go on after the stop. */
  readonly graceMs: number;
  readonly clock: () => number;
  /** How long a heartbeat that looks old must stand still before it is believed to be. */
  readonly confirmMs?: number;
  readonly log: Log;
};

export type Worker = {
  readonly pool: SessionPool;
  /** Runs until `stop` aborts; resolves when every task is settled or handed back and no agent is left. */
  readonly run: (stop: AbortSignal) => Promise<void>;
};

/** Everything that has state, and what each part does with the others. */
const assemble = (parts: WorkerParts) => {
  const { workerId, store, artifacts, settings, clock, log } = parts;
  const handleTask = handler(catalog.task.decider, catalog.task.parseRow, store, clock);
  const handleSession = handler(catalog.session.decider, catalog.session.parseRow, store, clock);
  const facts = sessionFacts(handleSession, store.markRow, workerId, clock, log);
  const pool = new SessionPool(parts.startAgent, settings, facts, clock, log);
  const offers = new Offers();
  const prepareDirectory = parts.directories.prepare;
  const deps = { ...store, workerId, pool, facts, artifacts, handleTask, handleSession, prepareDirectory, clock, log };
  const runs = taskRuns({ ...deps, agentPauseMs, obtainSession: obtainer(deps) });
  const dispatching = dispatcher({ ...deps, runs, whereabouts: (task) => whereaboutsOf(deps, task) });
  return { ...deps, offers, runs, dispatcher: dispatching };
};
type Assembled = ReturnType<typeof assemble>;

/** What goes on beside the tasks, until `signal` aborts. */
const background = (assembled: Assembled, parts: WorkerParts, signal: AbortSignal): Promise<void>[] => {
  const { pool, offers, runs, facts, dispatcher, workerId } = assembled;
  const { store, settings, log } = parts;
  const origin: Origin = { actor: `worker:${workerId}`, correlationId: workerId };
  const seen = { seen: sightings(() => performance.now()), confirmMs: parts.confirmMs ?? confirmMs };
  const look = async (): Promise<void> => {
    const free = () => settings.sessionsMax - pool.load.active;
    const isOurs = { task: runs.isRunning, session: (id: SessionId) => pool.holds(id) };
    const isLeft = async (task: Task) =>
      dispatcher.isWaiting(`task/${task.taskId}`) || (await whereaboutsOf(assembled, task)) === 'elsewhere';
    const offer = (stream: StreamId) => offers.add(stream);
    const found = await reconcile({ ...assembled, ...seen, offer, free, isOurs, isLeft, origin });
    if (found.rescued + found.closed + found.offered > 0) log('worker.reconciled', found);
  };
  const listen = async (): Promise<void> => {
    const cursor = await headsOf(store);
    const apply = (commit: Commit) => hear({ pool, runs, offers }, commit);
    await subscribe({ readLog: store.readLog, cursor, onWake: parts.onWake, pollMs, apply, log }, signal);
  };
  const tend = async (): Promise<void> => {
    await Promise.all(
      pool.sessions.map(async (session) => {
        if (!(await facts.touch(session))) await pool.close(session.sessionId, 'worker-lost');
      }),
    );
    await pool.closeIdle();
  };
  const tidy = async (): Promise<void> => {
    const removed = await parts.directories.sweep((name) => pool.holds(name));
    if (removed > 0) log('directories.removed', { removed });
  };
  return [
    listen(),
    repeat('reconcile', look, lookEveryMs, signal, log),
    repeat('tend', tend, beatMs, signal, log),
    repeat('tidy', tidy, tidyEveryMs, signal, log),
  ];
};

export const createWorker = (parts: WorkerParts): Worker => {
  const assembled = assemble(parts);
  const { pool, offers, runs, facts, dispatcher } = assembled;
  const { sessionsMax } = parts.settings;
  return {
    pool,
    run: async (stop) => {
      // What keeps the tasks going goes on until the last of them has ended.
      const ending = new AbortController();
      const beside = background(assembled, parts, ending.signal);
      const { takeHint, log } = parts;
      const working = workLoop({ sessionsMax, offers, takeHint, dispatcher, log }, stop);
      await Promise.race([aborted(stop), ...beside]);
      await Promise.race([working, delay(parts.graceMs, undefined, { ref: false })]);
      runs.interruptAll();
      await working;
      await pool[Symbol.asyncDispose]();
      await facts.settled();
      ending.abort();
      await Promise.all(beside);
    },
  };
};

const headsOf = async ({ shards, readHead }: Store): Promise<Map<number, number>> =>
  new Map(
    await Promise.all(Array.from({ length: shards }, async (_, shard) => [shard, await readHead(shard)] as const)),
  );

/** At once and then every so often. A look that fails is told, and the next begins anew. */
const repeat = async (
  name: string,
  work: () => Promise<void>,
  everyMs: number,
  signal: AbortSignal,
  log: Log,
): Promise<void> => {
  while (!signal.aborted) {
    await work().catch((fault: unknown) => log.problem(`${name}.failed`, { reason: String(fault) }));
    await pause(everyMs, signal);
  }
};

/** A worker as one thing, made from what it is handed: it takes tasks until it is stopped, and then hands back what it holds. */
import { setTimeout as delay } from 'node:timers/promises';
import { catalog } from '#events/catalog.ts';
import type { WorkerId } from '#events/ids.ts';
import type { StartAgent } from '#platform/agent/agent.ts';
import type { Artifacts } from '#platform/artifacts.ts';
import { pause } from '#platform/backoff.ts';
import { pollMs } from '#platform/connect.ts';
import { handler } from '#platform/handle.ts';
import { aborted } from '#platform/lifetime.ts';
import type { Log } from '#platform/log.ts';
import type { Origin, Store } from '#platform/store.ts';
import { subscribe } from '#platform/subscribe.ts';
import type { OnWake } from '#platform/subscribe.ts';
import { beatMs } from './attempt.ts';
import type { Directories } from './directories.ts';
import { dispatcher } from './dispatch.ts';
import { hear } from './hear.ts';
import { SessionPool } from './pool.ts';
import type { PoolSettings } from './pool.ts';
import { lookEveryMs, reconcile } from './reconcile.ts';
import { taskRuns } from './run-task.ts';
import { sessionFacts } from './session-facts.ts';
import { obtainer, whereaboutsOf } from './sessions.ts';
import { Offers, workLoop } from './work-loop.ts';
import type { TakeHint } from './work-loop.ts';

/** Old work directories are looked for this often. */
const tidyEveryMs = 600_000;

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
  readonly log: Log;
};

export type Worker = {
  readonly pool: SessionPool;
  /** Runs until `stop` aborts; resolves when every task is settled or handed back and no agent is left. */
  readonly run: (stop: AbortSignal) => Promise<void>;
};

export const createWorker = (parts: WorkerParts): Worker => {
  const { workerId, store, artifacts, settings, clock, log } = parts;
  const handleTask = handler(catalog.task.decider, catalog.task.parseRow, store, clock);
  const handleSession = handler(catalog.session.decider, catalog.session.parseRow, store, clock);
  const facts = sessionFacts(handleSession, store.markRow, workerId, clock, log);
  const pool = new SessionPool(parts.startAgent, settings, facts, clock, log);
  const prepareDirectory = parts.directories.prepare;
  const deps = { ...store, workerId, pool, facts, artifacts, handleTask, handleSession, prepareDirectory, clock, log };
  const runs = taskRuns({ ...deps, obtainSession: obtainer(deps) });
  const offers = new Offers();
  const dispatching = dispatcher({ ...deps, runs, whereabouts: (task) => whereaboutsOf(deps, task) });
  const origin: Origin = { actor: `worker:${workerId}`, correlationId: workerId };
  const free = (): number => settings.sessionsMax - pool.load.active;
  const offer = offers.add.bind(offers);

  const look = async (): Promise<void> => {
    const found = await reconcile({ ...deps, offer, free, origin });
    if (found.rescued + found.closed + found.offered > 0) log('worker.reconciled', found);
  };
  const listen = async (signal: AbortSignal): Promise<void> => {
    const cursor = await headsOf(store);
    const apply = (commit: Parameters<typeof hear>[1]) => hear({ ...deps, runs, offers }, commit);
    await subscribe({ readLog: store.readLog, cursor, onWake: parts.onWake, pollMs, apply, log }, signal);
  };
  const tend = async (): Promise<void> => {
    await pool.closeIdle();
    await Promise.all(pool.sessions.map(facts.touch));
  };

  const tidy = async (): Promise<void> => {
    const removed = await parts.directories.sweep((name) => pool.sessions.some(({ sessionId }) => sessionId === name));
    if (removed > 0) log('directories.removed', { removed });
  };

  const run = async (stop: AbortSignal): Promise<void> => {
    const ending = new AbortController();
    // What keeps the tasks going goes on until the last of them has ended.
    const background = [
      listen(ending.signal),
      repeat('reconcile', look, lookEveryMs, ending.signal, log),
      repeat('tend', tend, beatMs, ending.signal, log),
      repeat('tidy', tidy, tidyEveryMs, ending.signal, log),
    ];
    const working = workLoop({ sessionsMax: settings.sessionsMax, offers, dispatcher: dispatching, ...parts }, stop);
    await Promise.race([aborted(stop), ...background]);
    await Promise.race([working, delay(parts.graceMs, undefined, { ref: false })]);
    runs.interruptAll();
    await working;
    await pool[Symbol.asyncDispose]();
    await facts.settled();
    ending.abort();
    await Promise.all(background);
  };
  return { pool, run };
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

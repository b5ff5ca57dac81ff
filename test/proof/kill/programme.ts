/** The programme: points found, walked through, kills at random, the whole tree, then quiet; and what it left behind. */
import { setTimeout as pause } from 'node:timers/promises';
import { descendantsOf } from '#test/support/system.ts';
import type { History } from '#test/support/history.ts';
import type { Random } from '#test/support/random.ts';
import { arming } from './arming.ts';
import type { Arming } from './arming.ts';
import { serviceNames } from './control.ts';
import type { ServiceName } from './control.ts';
import { evidenceOf } from './evidence.ts';
import { lifeOf, livesIn, livesOf, outliving } from './lives.ts';
import { startLoad } from './load.ts';
import type { Load } from './load.ts';
import { dieAt, sweep } from './sweep.ts';
import type { Nudge, Swept } from './sweep.ts';
import { startTree } from './tree.ts';
import type { Tree } from './tree.ts';

export type Plan = {
  readonly dataDir: string;
  readonly controlDir: string;
  /** Without kills, so that it is known what there is. */
  readonly findMs: number;
  readonly sweepMs: number;
  readonly triesMax: number;
  /** Of each service, at any moment; more of them until there were `killsMin` in all. */
  readonly randomKills: number;
  readonly killsMin: number;
  readonly treeKills: number;
  readonly everyMs: number;
  readonly chance: (name: string) => Random;
};

/** A lease and a look: what a dead worker held is in other hands by then. */
export const noticedWithinMs = 45_000;
/** A process that was killed takes everything below it along at once; the machine is busy. */
const goneWithinMs = 5_000;
const endsWithinMs = 180_000;

/** Small limits, so that what happens seldom happens often. */
const settings = {
  SESSIONS_MAX: '5',
  SESSION_TASKS_MAX: '6',
  SESSION_IDLE_MS: '3000',
  SHUTDOWN_GRACE_MS: '500',
  RATE_PER_SECOND: '1000',
};

export type Run = {
  readonly history: History;
  readonly swept: Readonly<Record<ServiceName, Swept>>;
  readonly kills: { readonly atPoints: number; readonly random: number; readonly tree: number };
  readonly lastKillAt: number;
};

/** An installation is made once, so its points are passed by its very first processes only. */
const firstPoints = ['UserInvited before', 'UserInvited after', 'ApiKeyIssued before', 'ApiKeyIssued after'];

const dieFirst = async (points: Arming): Promise<void> => {
  const nudges = [{ nudge: () => undefined, waitMs: 20_000 }];
  const never = new AbortController().signal;
  for (const point of firstPoints) await dieAt('api', `api store.append ${point}`, { points, nudges }, never);
};

/** The load as it is, one of everything, and then a stop: closing and starting pass what working does not. */
const nudgesOf = (service: ServiceName, tree: Tree, load: Load): readonly Nudge[] => [
  { nudge: () => undefined, waitMs: 2_500 },
  { nudge: load.burst, waitMs: 5_000 },
  { nudge: () => void tree.signal(service, 'SIGTERM'), waitMs: 6_000 },
];

const sweepAll = async (plan: Plan, tree: Tree, points: Arming, load: Load) => {
  const until = AbortSignal.timeout(plan.sweepMs);
  const sweepOne = (service: ServiceName): Promise<Swept> => {
    const random = plan.chance(`sweep ${service}`);
    return sweep(service, { points, random, nudges: nudgesOf(service, tree, load), triesMax: plan.triesMax }, until);
  };
  const [api, worker, projector] = await Promise.all([sweepOne('api'), sweepOne('worker'), sweepOne('projector')]);
  return { api, worker, projector };
};

/** Kills one after the other, anywhere; tells how many, and what outlived them. */
const killAtRandom = async (plan: Plan, tree: Tree, already: number) => {
  const random = plan.chance('random kills');
  const survivors: Promise<string[]>[] = [];
  let kills = 0;
  while (kills < plan.randomKills * serviceNames.length || already + kills < plan.killsMin) {
    const service = serviceNames[kills % serviceNames.length] ?? 'api';
    const pid = tree.pidOf(service);
    const below = pid === undefined ? [] : livesOf(descendantsOf(pid));
    if (pid !== undefined && lifeOf(pid) !== undefined && tree.signal(service, 'SIGKILL')) {
      kills += 1;
      survivors.push(outliving(below, goneWithinMs));
    }
    await pause(random.below(1_200));
  }
  return { kills, survivors: (await Promise.all(survivors)).flat() };
};

const killTree = async (plan: Plan, tree: Tree, load: Load): Promise<string[]> => {
  const random = plan.chance('tree kills');
  const survivors: string[] = [];
  for (let nth = 0; nth < plan.treeKills; nth += 1) {
    load.burst();
    await pause(1_000 + random.below(2_000));
    const all = livesOf(tree.processes());
    const again = tree.killAll();
    survivors.push(...(await outliving(all, goneWithinMs)));
    await again;
  }
  return survivors;
};

/** Until everything acknowledged is over, or there is no hope. */
const untilEnded = async (load: Load): Promise<void> => {
  const deadline = performance.now() + endsWithinMs;
  while ((await load.open()).length > 0 && performance.now() < deadline) await pause(500);
  await load.watchedOut();
};

export const runProgramme = async (plan: Plan): Promise<Run> => {
  const { dataDir, controlDir, chance } = plan;
  const points = arming(controlDir);
  const first = dieFirst(points);
  await using tree = await startTree(dataDir, controlDir, settings);
  await first;
  const load = startLoad(tree, chance('load'), plan.everyMs);
  load.burst();
  await pause(plan.findMs / 2);
  load.burst();
  for (const service of serviceNames) tree.signal(service, 'SIGTERM');
  await pause(plan.findMs / 2);
  const swept = await sweepAll(plan, tree, points, load);
  const fired = points.fired();
  const outlived = (await Promise.all(fired.map(({ below }) => outliving(below, goneWithinMs)))).flat();
  const random = await killAtRandom(plan, tree, fired.length + plan.treeKills);
  const ofTree = await killTree(plan, tree, load);
  const lastKillAt = Date.now();
  await load.stop();
  await untilEnded(load);
  const quietFor = lastKillAt + noticedWithinMs - Date.now();
  if (quietFor > 0) await pause(quietFor);
  const evidence = await evidenceOf(dataDir, controlDir, 30_000);
  const quiet = { at: Date.now(), silentMs: noticedWithinMs };
  await tree.stop();
  const left = await outliving(livesIn(dataDir), goneWithinMs);
  return {
    history: {
      ...evidence,
      operations: load.operations(),
      watched: load.watched(),
      survivors: [...outlived, ...random.survivors, ...ofTree, ...left],
      quiet,
    },
    swept,
    kills: { atPoints: fired.length, random: random.kills, tree: plan.treeKills },
    lastKillAt,
  };
};

/**
 * Ten times the tasks that the whole system can work on. Capacity is the tasks ended a second by five sessions that are
 * never without work, while just as many are submitted as end; goodput is the same under a load that asks for ten times as
 * much. Measured before and after the load, as machines are not the same from minute to minute.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { medianOf } from '#test/support/median.ts';
import { eventually } from '#test/support/eventually.ts';
import { carriersOf } from '#test/support/processes.ts';
import { startSystem, temporaryDir } from '#test/support/system.ts';
import type { System } from '#test/support/system.ts';
import { byEffort, printCounts } from '../effort.ts';
import { goBeforeNeighbours } from './cores.ts';
import { misses, wrongs } from './judge.ts';
import { runLoad } from './load.ts';
import { allTasks, persistent, recovery, timed, whileHealthy } from './probe.ts';

const capacityMs = 3_000;
const overloadMs = byEffort({ ci: 20_000, full: 600_000 });
const sessions = 5;
const pendingMax = 120;
/** Fewer than the API takes. */
const atOnce = 16;
const Health = z.object({ queue: z.object({ pending: z.int() }).optional() });

const limits = {
  PENDING_MAX: String(pendingMax),
  // What one person may ask is the matter of `submits.proof.ts`.
  RATE_PER_SECOND: '100000',
  SESSION_TASKS_MAX: '1000000',
  SESSION_CONTEXT_MAX: '100',
  SESSIONS_MAX: String(sessions),
};

describe('ten times the tasks that the system can work on', () => {
  let dir: Awaited<ReturnType<typeof temporaryDir>>;
  let system: System;
  let bodies: readonly object[];
  const accepted: string[] = [];
  before(async () => {
    goBeforeNeighbours();
    dir = await temporaryDir();
    system = await startSystem(dir.path, limits);
    const first = await Promise.all(Array.from({ length: sessions }, () => system.submit('wait 1 s')));
    accepted.push(...first);
    const ends = await Promise.all(first.map((taskId) => system.outcome(taskId)));
    bodies = ends.map(({ sessionId }) => ({ message: 'reverse abc', sessionId }));
  });
  after(async () => {
    await system.stop();
    await dir[Symbol.asyncDispose]();
  });

  const ended = async (): Promise<number> =>
    (await readFile(join(dir.path, 'logs', 'worker.log'), 'utf8')).split('"event":"task.ended"').length - 1;
  const submit = async (n: number): Promise<string> => {
    const { message, ...more } = { message: 'reverse abc', ...bodies[n % sessions] };
    const taskId = await system.submit(message, more);
    accepted.push(taskId);
    return taskId;
  };

  /** Tasks ended a second while as many are submitted as end. */
  const closedLoop = async (durationMs: number): Promise<number> => {
    const [startedAt, endedBefore] = [performance.now(), await ended()];
    let submitted = 0;
    let done = 0;
    while (performance.now() - startedAt < durationMs) {
      const missing = Math.min(atOnce, pendingMax / 2 - (submitted - done));
      await Promise.all(Array.from({ length: Math.max(0, missing) }, () => submit((submitted += 1))));
      await pause(20);
      done = (await ended()) - endedBefore;
    }
    const perSecond = done / ((performance.now() - startedAt) / 1000);
    while ((await ended()) - endedBefore < submitted) await pause(20);
    return perSecond;
  };

  it('leave 90 % of it as goodput, are refused at once beyond that, and every accepted one ends', async (t) => {
    await closedLoop(1_000);
    const capacityBefore = await closedLoop(capacityMs);
    const attempt = persistent(system.url, system.key, bodies[0]);
    const quiet: number[] = [];
    for (let n = 0; n < 10; n += 1) quiet.push(await timed(attempt));
    const beforeMs = medianOf(quiet);
    const api = apiOf(system);
    let pendingSeen = 0;
    const watch = setInterval(
      () => void pendingOf(system.url).then((n) => (pendingSeen = Math.max(pendingSeen, n))),
      250,
    );
    const endedBefore = await ended();
    const order = {
      ...{ port: Number(new URL(system.url).port), keys: [system.key], connectionsMax: 256 },
      bodies: bodies.map((body) => JSON.stringify(body)),
      ...{ durationMs: overloadMs, perSecond: 10 * capacityBefore },
    };
    const startedAt = performance.now();
    const { result: load, ...health } = await whileHealthy(system.url, api, runLoad(order));
    const goodPerSecond = ((await ended()) - endedBefore) / ((performance.now() - startedAt) / 1000);
    clearInterval(watch);
    accepted.push(...load.taskIds);
    const recoveredAfterMs = await recovery(beforeMs, attempt);
    // What the load left has to end before as many can be submitted as end.
    const isEmpty = async () => ((await pendingOf(system.url)) === 0 ? true : undefined);
    await eventually(isEmpty, 'tasks are still waiting', 60_000);
    const capacityAfter = await closedLoop(capacityMs);
    const capacityPerSecond = (capacityBefore + capacityAfter) / 2;
    const measured = { load, capacityPerSecond, goodPerSecond, recoveredAfterMs, ...health };
    printCounts(t, {
      ...{ 'capacity/s': `${capacityBefore.toFixed(1)} before ${capacityAfter.toFixed(1)} after` },
      ...{ 'offered/s': Math.round(load.asked / (overloadMs / 1000)), 'goodput/s': goodPerSecond.toFixed(1) },
      ...{ ratio: (goodPerSecond / capacityPerSecond).toFixed(2), statuses: JSON.stringify(load.statuses) },
      'rejected ms': `p50 ${load.rejected.p50} p99 ${load.rejected.p99}`,
      'generator late ms': `p50 ${load.sendLag.p50} p99 ${load.sendLag.p99}`,
      ...{ 'most pending': `${pendingSeen} of ${pendingMax}`, 'health ms': health.healthMs.toFixed(1) },
      ...{ 'memory MB': health.memoryGrowthMb.toFixed(1), 'recovered ms': recoveredAfterMs.toFixed(0) },
    });
    assert.deepEqual([...wrongs(measured), ...misses(measured)], []);
  });

  it('leave no accepted task without its outcome', async (t) => {
    const left = async () => {
      const tasks = await allTasks(system.url, system.key);
      return accepted.filter((taskId) => tasks.get(taskId) !== 'completed');
    };
    for (const until = performance.now() + 30_000; (await left()).length > 0 && performance.now() < until;)
      await pause(1_000);
    assert.deepEqual(await left(), []);
    printCounts(t, { accepted: accepted.length, completed: accepted.length });
  });
});

const pendingOf = async (url: string): Promise<number> =>
  Health.parse(await (await fetch(`${url}/health`)).json()).queue?.pending ?? 0;

const apiOf = (system: System): number => {
  const services = carriersOf(`API_PORT=${new URL(system.url).port}`);
  const found = services.find(
    (pid) => system.processes().includes(pid) && commandOf(pid).includes('services/api/main.ts'),
  );
  assert.ok(found !== undefined, 'the API is not found');
  return found;
};

const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8');

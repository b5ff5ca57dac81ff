/**
 * Ten times the submissions that one API can take. Capacity is what it acknowledges a second when as many clients as may
 * submit at once (`SUBMITS_MAX`) each ask again when they were answered. Everything is as it comes, but that no worker takes
 * from the machine: what becomes of accepted tasks is the matter of `tasks.proof.ts`.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { medianOf } from '#test/support/median.ts';
import { startAws } from '#test/support/aws.ts';
import { startService } from '#test/support/service-process.ts';
import { temporaryDir } from '#test/support/system.ts';
import { byEffort, printCounts } from '../effort.ts';
import { besideIt, takeFirstCore } from './cores.ts';
import { misses, wrongs } from './judge.ts';
import type { Overload } from './judge.ts';
import { issueKeys } from './keys.ts';
import { runLoad } from './load.ts';
import { allTasks, persistent, recovery, timed, whileHealthy } from './probe.ts';

const capacityMs = 3_000;
const overloadMs = byEffort({ ci: 5_000, full: 60_000 });
const roundsMax = 3;
const submitsMax = 32;
const people = 32;

const open = async () => {
  await using opened = new AsyncDisposableStack();
  const cores = takeFirstCore();
  const dir = opened.use(await temporaryDir());
  const aws = opened.use(await startAws({ dataDir: dir.path }));
  const env = { ...aws.env, DATA_DIR: dir.path, PENDING_MAX: '1000000' };
  const api = opened.use(startService('api', { env }));
  const url = z.string().parse((await api.started())['address']);
  const [greedy = '', ...keys] = await issueKeys(aws, people + 1);
  const admin = (await readFile(join(dir.path, 'admin.key'), 'utf8')).trim();
  const held = opened.move();
  return { api, url, port: Number(new URL(url).port), greedy, keys, admin, cores, close: () => held.disposeAsync() };
};

describe('ten times the submissions that the API can take', () => {
  let opened: Awaited<ReturnType<typeof open>>;
  const accepted: string[] = [];
  before(async () => {
    opened = await open();
  });
  after(() => opened.close());

  const closedLoop = async (durationMs: number) => {
    const { port, keys } = opened;
    const bodies = [JSON.stringify({ message: 'reverse abc' })];
    const load = await runLoad({ port, keys, bodies, durationMs, connectionsMax: submitsMax }, besideIt);
    accepted.push(...load.taskIds);
    assert.deepEqual(Object.keys(load.statuses), ['202']);
    return load.acceptedPerSecond;
  };

  const round = async (): Promise<Overload & { readonly healthMs: number; readonly beforeMs: number }> => {
    const { api, url, port, greedy, keys, admin } = opened;
    const capacityPerSecond = await closedLoop(capacityMs);
    const submit = persistent(url, admin, { message: 'reverse abc' });
    const quiet: number[] = [];
    for (let n = 0; n < 20; n += 1) quiet.push(await timed(submit));
    const beforeMs = medianOf(quiet);
    const order = {
      port,
      // Every other request is that of one key, which soon has had its share.
      keys: keys.flatMap((key) => [greedy, key]),
      bodies: [JSON.stringify({ message: 'reverse abc' })],
      ...{ durationMs: overloadMs, perSecond: 10 * capacityPerSecond, connectionsMax: 256 },
    };
    const { result: load, ...health } = await whileHealthy(url, api.pid, runLoad(order, besideIt));
    accepted.push(...load.taskIds);
    const recoveredAfterMs = await recovery(beforeMs, submit);
    const goodPerSecond = load.acceptedPerSecond;
    return { load, capacityPerSecond, goodPerSecond, recoveredAfterMs, beforeMs, ...health };
  };

  it('leave 90 % of it as goodput, and all others are refused within 100 ms, told when to come back', async (t) => {
    await closedLoop(2_000);
    const missed: string[][] = [];
    for (let n = 0; n < roundsMax; n += 1) {
      const measured = await round();
      const { load, capacityPerSecond, goodPerSecond } = measured;
      printCounts(t, {
        ...{ round: n + 1, cores: opened.cores, 'capacity/s': Math.round(capacityPerSecond) },
        ...{ 'offered/s': Math.round(load.asked / (overloadMs / 1000)), 'goodput/s': Math.round(goodPerSecond) },
        ...{ ratio: (goodPerSecond / capacityPerSecond).toFixed(2), statuses: JSON.stringify(load.statuses) },
        'rejected ms': `p50 ${load.rejected.p50} p99 ${load.rejected.p99}`,
        'accepted ms': `p50 ${load.accepted.p50} p99 ${load.accepted.p99}`,
        'generator late ms': `p50 ${load.sendLag.p50} p99 ${load.sendLag.p99}`,
        ...{ 'health ms': measured.healthMs.toFixed(1), 'memory MB': measured.memoryGrowthMb.toFixed(1) },
        'recovered ms': measured.recoveredAfterMs.toFixed(0),
      });
      assert.deepEqual(wrongs(measured), []);
      for (const status of ['202', '429', '503']) assert.ok(load.statuses[status], `no ${status} was seen`);
      missed.push(misses(measured));
      if (missed.at(-1)?.length === 0) return;
    }
    assert.fail(`missed in each of ${roundsMax} rounds: ${JSON.stringify(missed)}`);
  });

  it('lose nothing that was accepted', async (t) => {
    const { url, admin } = opened;
    const stored = await allTasks(url, admin);
    assert.deepEqual(
      accepted.filter((taskId) => !stored.has(taskId)),
      [],
    );
    printCounts(t, { accepted: accepted.length, stored: stored.size });
  });
});

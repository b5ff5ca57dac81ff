/** What must be noticed is noticed: refusals that are not as promised, and an API that knows no limits. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startAws } from '#test/support/aws.ts';
import { startService } from '#test/support/service-process.ts';
import { temporaryDir } from '#test/support/system.ts';
import { printCounts } from '../effort.ts';
import { misses, wrongs } from './judge.ts';
import type { Overload } from './judge.ts';
import { runLoad } from './load.ts';

const main = fileURLToPath(new URL('programs/rude-api.ts', import.meta.url));
const bodies = [JSON.stringify({ message: 'reverse abc' })];
const portOf = (started: Readonly<Record<string, unknown>>): number =>
  Number(new URL(z.string().parse(started['address'])).port);
const good = { capacityPerSecond: 1, goodPerSecond: 1, healthy: true, recoveredAfterMs: 0, memoryGrowthMb: 0 };

const refusedBy = async (rude: string): Promise<Overload> => {
  await using api = startService('api', { main, env: { RUDE: rude } });
  const port = portOf(await api.started());
  const load = await runLoad({ port, keys: ['none'], bodies, durationMs: 500, perSecond: 200, connectionsMax: 64 });
  return { ...good, load };
};

describe('the judge of an overload', () => {
  it('has nothing against refusals as promised', async () => {
    assert.deepEqual(wrongs(await refusedBy('polite')), []);
  });

  for (const rude of ['no-retry-after', 'no-problem', 'fails'] as const) {
    it(`finds refusals that are not as promised: ${rude}`, async () => {
      assert.match(wrongs(await refusedBy(rude)).join(), /^\d+ refusals are not as promised/);
    });
  }

  it('finds refusals that come too late', async () => {
    assert.match(misses(await refusedBy('slow')).join(), /p99 of rejections is 1\d\d/);
  });

  it('finds requests that are never answered', async () => {
    assert.match(wrongs(await refusedBy('silent')).join(), /\d+ requests were not answered/);
  });

  it('finds a goodput that collapsed, a recovery that did not come, memory that grew, and a health that was not told', async () => {
    const measured = { ...(await refusedBy('polite')), goodPerSecond: 0.89, healthy: false };
    const spoiled = { ...measured, recoveredAfterMs: 10_001, memoryGrowthMb: 65 };
    assert.deepEqual(wrongs(spoiled), ['/health did not answer']);
    assert.match(misses(spoiled).join(), /goodput is 0\.89 .*not as quick .*memory grew/);
  });

  it('finds that an API without limits takes on everything and answers nobody in time', async (t) => {
    await using dir = await temporaryDir();
    await using aws = await startAws();
    const unlimited = { SUBMITS_MAX: '1000000', PENDING_MAX: '1000000', RATE_PER_SECOND: '1000000' };
    await using api = startService('api', { env: { ...aws.env, DATA_DIR: dir.path, ...unlimited } });
    const port = portOf(await api.started());
    const key = (await readFile(join(dir.path, 'admin.key'), 'utf8')).trim();
    const load = await runLoad({
      port,
      keys: [key],
      bodies,
      durationMs: 3_000,
      perSecond: 3_000,
      connectionsMax: 1_000,
    });
    const measured = { ...good, load, recoveredAfterMs: 0 };
    printCounts(t, { asked: load.asked, unsent: load.unsent, 'accepted ms': `p50 ${load.accepted.p50}` });
    assert.match(wrongs(measured).join(), /nothing was refused/);
    assert.match(misses(measured).join(), /requests found no free connection/);
  });
});

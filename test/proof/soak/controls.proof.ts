/** What must be noticed is noticed: an API that keeps something of every request, beside one that does not. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startAws } from '#test/support/aws.ts';
import { startService } from '#test/support/service-process.ts';
import { client, temporaryDir } from '#test/support/system.ts';
import { printCounts } from '../effort.ts';
import { growthOf, leaksOf, readSamples } from './samples.ts';

const [gauge, leak] = ['gauge.ts', 'leak.ts'].map((name) => fileURLToPath(new URL(name, import.meta.url)));
const [durationMs, warmUpMs, everyMs] = [24_000, 8_000, 500];
const perSecond = 100;
const clients = 4;
/** Reading fills no caches, so less than in the composed system is no growth. */
const bytesPerRequestMax = 512;

describe('the judge of the soak', () => {
  it('catches a kilobyte, a descriptor and a timer that are kept with requests, and nothing where nothing is kept', async (t) => {
    await using dir = await temporaryDir();
    await using aws = await startAws();
    const soak = async (name: string, LEAK: string) => {
      const gauges = join(dir.path, name);
      mkdirSync(gauges);
      await using api = startService('api', {
        nodeArgs: ['--import', gauge ?? '', '--import', leak ?? ''],
        env: {
          ...aws.env,
          ...{
            DATA_DIR: dir.path,
            RATE_PER_SECOND: '100000',
            LEAK,
            GAUGE_DIR: gauges,
            GAUGE_EVERY_MS: String(everyMs),
          },
        },
      });
      const url = z.string().parse((await api.started())['address']);
      const { get } = client(url, readFileSync(join(dir.path, 'admin.key'), 'utf8').trim());
      const startedAt = performance.now();
      let asked = 0;
      const ask = async (): Promise<void> => {
        for (let due = 0; due < durationMs; due += (1000 / perSecond) * clients) {
          await pause(Math.max(0, startedAt + due - performance.now()));
          await (await get('/api/tasks')).text();
          asked += 1;
        }
      };
      await Promise.all(Array.from({ length: clients }, ask));
      const [[, samples] = ['', []]] = readSamples(gauges);
      const { bytesPerSecond, uncertain } = growthOf(samples, warmUpMs);
      printCounts(t, {
        [name]: `${Math.round(bytesPerSecond)} B/s ± ${Math.round(uncertain)}`,
        samples: samples.length,
      });
      const askedPerSecond = asked / ((performance.now() - startedAt) / 1000);
      return leaksOf(samples, { warmUpMs, bytesPerSecondMax: bytesPerRequestMax * askedPerSecond, countMax: 50 });
    };
    const [clean, leaky] = await Promise.all([soak('clean', ''), soak('leaky', 'memory,descriptors,timers')]);
    assert.deepEqual(clean, []);
    assert.equal(leaky.length, 3, leaky.join('\n'));
    for (const [index, what] of [/^memory grows/, /more descriptors$/, /more timers$/].entries())
      assert.match(leaky[index] ?? '', what);
  });
});

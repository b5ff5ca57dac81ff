/**
 * A steady load on the whole system, for long. In full (1 h) memory may grow by less than 1 MB an hour once the caches are
 * full. Three minutes cannot tell 1 MB an hour from chance, nor from caches that are still filling, which take about three
 * quarters of a kilobyte a request. What they do tell: whatever keeps a kilobyte of every request beside them.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startSystem, temporaryDir } from '#test/support/system.ts';
import { byEffort, chance, printCounts } from '../effort.ts';
import { soakLoad } from './load.ts';
import { relayLag } from './relay-lag.ts';
import { growthOf, leaksOf, readSamples } from './samples.ts';

const gauge = fileURLToPath(new URL('gauge.ts', import.meta.url));
const durationMs = byEffort({ ci: 125_000, full: 3_600_000 });
const warmUpMs = byEffort({ ci: 50_000, full: 1_200_000 });
const everyMs = byEffort({ ci: 3_000, full: 15_000 });
const perSecond = byEffort({ ci: 4, full: 8 });
const lagMsMax = 1_000;
const megabyte = 1_048_576;

const settings = {
  RATE_PER_SECOND: '100000',
  // What takes minutes and hours otherwise happens all the time.
  SESSION_IDLE_MS: '3000',
  SESSION_TASKS_MAX: '10',
  GAUGE_EVERY_MS: String(everyMs),
  NODE_OPTIONS: `--import ${gauge}`,
};

/** What the services said that an operator should look at. */
const problemsIn = (logs: string): string[] =>
  ['api', 'worker', 'projector', 'aws'].flatMap((name) =>
    readFileSync(join(logs, `${name}.log`), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('{"level":"info"'))
      .map((line) => `${name}: ${line.slice(0, 300)}`),
  );

const inHours = (bytesPerSecond: number): string => `${((bytesPerSecond * 3_600) / megabyte).toFixed(1)} MB/h`;

describe('a steady load', () => {
  it('makes nothing grow, nothing late, and nothing fail', async (t) => {
    await using dir = await temporaryDir();
    const gauges = join(dir.path, 'gauges');
    mkdirSync(gauges);
    await using system = await startSystem(dir.path, { ...settings, GAUGE_DIR: gauges });
    const load = soakLoad(system, chance('soak'), perSecond);
    const over = new AbortController();
    const watching = relayLag(dir.path).watch(over.signal);
    await load.run(durationMs).finally(() => over.abort());
    const lags = (await watching).toSorted((a, b) => a - b);
    const lagP99 = lags[Math.floor(lags.length * 0.99)] ?? 0;
    const requestsPerSecond = load.requests() / (durationMs / 1000);
    const bytesPerSecondMax = byEffort({ ci: 1_024 * requestsPerSecond, full: megabyte / 3_600 });
    const samples = readSamples(gauges);
    const sessions =
      readFileSync(join(dir.path, 'logs', 'worker.log'), 'utf8').split('"event":"agent.started"').length - 1;
    printCounts(t, {
      ...{ seconds: durationMs / 1000, tasks: load.submitted.length, requests: load.requests() },
      ...{ 'held back': load.heldBack(), 'agents started': sessions, 'looks at the relay': lags.length },
      'relay lag ms': `p50 ${lags[lags.length >> 1]?.toFixed(0)} p99 ${lagP99.toFixed(0)}`,
      'allowed B/s': Math.round(bytesPerSecondMax),
    });
    const leaks: string[] = [];
    for (const [name, of] of samples) {
      const grown = growthOf(of, warmUpMs);
      printCounts(t, {
        ...{ process: name, samples: grown.samples },
        memory: `${Math.round(grown.bytesPerSecond)} B/s ± ${Math.round(grown.uncertain)} (${inHours(grown.bytesPerSecond)})`,
        ...{ resident: inHours(grown.rssBytesPerSecond), 'buffers MB': grown.bufferMb, descriptors: grown.descriptors },
        ...{ timers: grown.timers, handles: grown.handles },
      });
      leaks.push(...leaksOf(of, { warmUpMs, bytesPerSecondMax, countMax: 50 }).map((leak) => `${name}: ${leak}`));
    }
    assert.ok(samples.size >= 5, `${samples.size} processes were gauged`);
    assert.deepEqual([...load.faults, ...problemsIn(join(dir.path, 'logs'))], []);
    assert.deepEqual(leaks, []);
    assert.ok(lagP99 < lagMsMax, `the relay was ${lagP99} ms behind`);
  });
});

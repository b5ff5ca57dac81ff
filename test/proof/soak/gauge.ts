/**
 * Preloaded into a service (`node --import`): every so often writes what the process holds after a full collection, so that
 * garbage does not count and a few minutes tell what hours would.
 */
import { appendFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { createContext, Script } from 'node:vm';
import type { Sample } from './samples.ts';

const { GAUGE_DIR: directory, GAUGE_EVERY_MS: everyMs } = process.env;
const program = process.argv[1] ?? '';

if (directory !== undefined && /\/(services|soak)\/.*main\.ts$/.test(program)) {
  setFlagsFromString('--expose-gc');
  const collector = new Script('gc()');
  const context = createContext();
  const file = join(directory, `${basename(dirname(program))}-${basename(program, '.ts')}-${process.pid}.jsonl`);
  const resources = process.getActiveResourcesInfo.bind(process);
  setInterval(() => {
    collector.runInContext(context);
    const { heapUsed, external, rss } = process.memoryUsage();
    const timers = resources().filter((kind) => kind === 'Timeout').length;
    const sample: Sample = {
      atMs: performance.now(),
      heldBytes: heapUsed,
      bufferBytes: external,
      rssBytes: rss,
      descriptors: readdirSync('/proc/self/fd').length,
      timers,
      handles: resources().length - timers,
    };
    appendFileSync(file, `${JSON.stringify(sample)}\n`);
  }, Number(everyMs)).unref();
}

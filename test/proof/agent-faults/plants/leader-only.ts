/** A planted bug, loaded before the worker: what is stopped is the first process and nothing that it started. */
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';

const changes: readonly (readonly [from: string, to: string])[] = [
  ['signalProcess(-pid, signal);', 'signalProcess(pid, signal);'],
  ['for (const survivor of survivors) if', 'for (const survivor of survivors.slice(0, 0)) if'],
  ['await killTree(tree);', ''],
];

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith('/platform/agent/process.ts')) return loaded;
    const stored = loaded.source;
    let source = typeof stored === 'string' ? stored : new TextDecoder().decode(stored ?? new Uint8Array());
    for (const [from, to] of changes) {
      assert.ok(source.includes(from), `there is no ${from} to spoil`);
      source = source.replace(from, to);
    }
    return { ...loaded, source };
  },
});

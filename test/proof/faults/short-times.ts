/** Leases, looks and pauses of the worker a tenth as long, so that what waits for them is proved in seconds. Imported before what it changes. */
import { registerHooks } from 'node:module';

export const scale = 10;

const scaled = /\/services\/(?:worker\/(?:attempt|reconcile|run-task|service)|platform\/sqs\/priorities)\.ts$/;
const constant = /const (\w+Ms) = ([\d_]+);/g;

/** Every time that was shortened, as it is now. */
export const shortened: Record<string, number> = {};

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context);
    if (!scaled.test(url)) return loaded;
    if (typeof loaded.source !== 'string' && !(loaded.source instanceof Uint8Array))
      throw new Error(`${url} has no source`);
    const source = Buffer.from(loaded.source).toString();
    const changed = source.replaceAll(constant, (_, name: string, digits: string) => {
      const ms = Number(digits.replaceAll('_', '')) / scale;
      shortened[name] = ms;
      return `const ${name} = ${ms};`;
    });
    return { ...loaded, source: changed };
  },
});

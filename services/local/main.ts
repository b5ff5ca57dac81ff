/** `make run`: the whole system on this machine. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Compiling our own files is a good part of a start; what one process compiled, the others and the next start find.
const { directory } = enableCompileCache(fileURLToPath(new URL('../../.cache/compiled', import.meta.url)));
if (directory !== undefined) process.env['NODE_COMPILE_CACHE'] = directory;

const { run } = await import('./run.ts');
const { services } = await import('./services.ts');
await run(services);

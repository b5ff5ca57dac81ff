/** The system of `make run` with tiny services in place of the real ones. */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { count } from '#platform/config.ts';
import { run } from '../../../../services/local/run.ts';

const mainOf = (name: string): string => fileURLToPath(new URL(`${name}.ts`, import.meta.url));

await run([
  { name: 'api', main: mainOf('api') },
  { name: 'worker', main: mainOf('worker'), config: z.object({ SESSIONS_MAX: count.default(5) }) },
  { name: 'projector', main: mainOf('projector') },
]);

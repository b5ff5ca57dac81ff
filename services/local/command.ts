/** Runs a program of a service on the system that runs on this machine: `node services/local/command.ts api/issue-key --name alice`. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMain } from '#platform/lifetime.ts';
import { environmentOfRunning } from './running.ts';

await runMain(async () => {
  const [program = '', ...words] = process.argv.slice(2);
  const path = fileURLToPath(new URL(`../${program}.ts`, import.meta.url));
  const env = { ...process.env, ...environmentOfRunning(resolve(process.env['DATA_DIR'] ?? '.data')) };
  const { status } = spawnSync(process.execPath, [path, ...words], { env, stdio: 'inherit' });
  process.exit(status ?? 1);
});

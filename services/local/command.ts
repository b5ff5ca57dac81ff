/** `make key`: another API key for the system that runs on this machine. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMain } from '#platform/lifetime.ts';
import { environmentOfRunning } from './running.ts';

const issueKey = fileURLToPath(new URL('../api/issue-key.ts', import.meta.url));

await runMain(async () => {
  const env = { ...process.env, ...environmentOfRunning(resolve(process.env['DATA_DIR'] ?? '.data')) };
  const { status } = spawnSync(process.execPath, [issueKey, ...process.argv.slice(2)], { env, stdio: 'inherit' });
  process.exit(status ?? 1);
});

/** Starts a program as the worker does, tells its marker, and waits to be killed. */
import { startProcess } from '#platform/agent/process.ts';

const [isolation, recordDir, command = '', ...args] = process.argv.slice(2);
const started = await startProcess(
  { command, args, cwd: process.cwd() },
  {
    env: process.env,
    stopGraceMs: 1_000,
    isolation: isolation === 'group' ? 'group' : 'namespace',
    ...(recordDir === undefined ? {} : { recordDir }),
  },
);
for await (const { lines } of started.stdout) if (lines.includes('ready')) process.stdout.write(`${started.marker}\n`);

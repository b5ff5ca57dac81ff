#!/usr/bin/env node
// Starts the command line on a Node that runs TypeScript as it is: the one that found this file, or else the package's own.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
const main = new URL('main.ts', import.meta.url);
const own = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url));

if (major > 24 || (major === 24 && minor >= 12)) {
  await import(main.href);
} else if (existsSync(own)) {
  let child;
  // The child decides what a signal means and this process waits for what it says: also when the signal comes at once.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child = spawn(own, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
} else {
  process.stderr.write(`kiro-dispatch needs Node 24.12, and this is ${process.version}: run \`npm ci\` first.\n`);
  process.exit(2);
}

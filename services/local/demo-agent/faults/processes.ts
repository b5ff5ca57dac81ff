/** The agent leaves processes behind. They only sleep, and end by themselves after ten minutes. */
import { spawn } from 'node:child_process';
import type { SpawnOptions } from 'node:child_process';
import type { Faults } from '../fault.ts';

const sleep = 'sleep 600';

const start = (command: string, options: SpawnOptions = {}) => {
  spawn('sh', ['-c', command], { stdio: 'ignore', ...options }).unref();
};

/** Every shell starts two more until `depth` is reached: 2^(depth+1) - 1 processes. */
const bomb = (processes: number): string => {
  const depth = Math.max(0, Math.floor(Math.log2(processes + 1)) - 1);
  return `bomb() { if [ "$1" -gt 0 ]; then bomb $(($1 - 1)) & bomb $(($1 - 1)) & fi; exec ${sleep}; }; bomb ${depth}`;
};

export const faults: Faults = {
  'fork-bomb': { 'mid-result': ({ amount }) => start(bomb(amount)) },
  'setsid-orphan': { 'mid-result': () => start(`exec ${sleep}`, { detached: true }) },
  daemonises: { 'mid-result': () => start(`cd /; ${sleep} & exit 0`, { detached: true }) },
  // Nothing marks it any more but its number, which it leaves in `hidden.pid`.
  hides: { 'mid-result': ({ cwd }) => start(`env -i ${sleep} & echo $! > hidden.pid`, { cwd, detached: true }) },
  're-parents': { 'mid-result': () => start(`${sleep} & exit 0`) },
};

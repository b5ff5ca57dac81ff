/** Runs the generator beside the test and brings back what it saw. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { LoadReport } from './order.ts';
import type { Order } from './order.ts';

const generator = fileURLToPath(new URL('generator.ts', import.meta.url));

export type Load = LoadReport & { readonly taskIds: readonly string[]; readonly acceptedPerSecond: number };

/** `runOn` is put before the program, as `taskset -c 1`. */
export const runLoad = async (order: Omit<Order, 'acceptedFile'>, runOn: readonly string[] = []): Promise<Load> => {
  const acceptedFile = join(tmpdir(), `accepted-${process.pid}-${performance.now()}`);
  const command = [...runOn, process.execPath, generator, JSON.stringify({ ...order, acceptedFile })];
  const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  const [told] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  assert.equal(child.exitCode, 0, 'the generator failed');
  const report = LoadReport.parse(JSON.parse(told));
  const taskIds = (await readFile(acceptedFile, 'utf8')).split('\n').filter((line) => line !== '');
  await rm(acceptedFile);
  const acceptedPerSecond = report.acceptedBySecond.reduce((sum, n) => sum + n, 0) / (order.durationMs / 1000);
  return { ...report, taskIds, acceptedPerSecond };
};

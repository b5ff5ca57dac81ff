/** The same faults where they come over the other protocol: one process per turn, and nobody to ask or to cancel. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { behaviours } from '../../../services/local/demo-agent/behaviours.ts';
import { byEffort, printCounts } from '../effort.ts';
import { judge } from './judge.ts';
import { observe, run } from './observe.ts';
import type { Seen, Trial } from './observe.ts';
import { isWalled, startWorker } from './wall.ts';

const program = join(import.meta.dirname, 'headless-agent.ts');
const env = {
  ...{ AGENT_COMMAND: `${process.execPath} ${program}`, AGENT_PROTOCOL: 'stream-json', AGENT_PERMISSIONS: 'deny-all' },
  AGENT_STOP_GRACE_MS: '2000',
};
const floodMiB = byEffort({ ci: 128, full: 1024 });

const names = [
  ...['exit-0-after-prompt', 'exit-1-after-prompt', 'exit-137-after-prompt', 'exit-143-after-prompt'],
  ...['killed-mid-result', 'hangs-silent', 'ignores-sigterm', 'setsid-orphan', 'daemonises', 'invalid-json'],
  ...['floods-lines', 'floods-one-line'],
];

/** By which signals a run was ended is not told here. */
const asHeadless = (row: Trial['row']): Trial['row'] =>
  row.name === 'ignores-sigterm' ? { ...row, watch: 'no process is left' } : row;

it('an agent without a dialogue comes to the same outcomes, and leaves as little behind', async (t) => {
  await using worker = await startWorker(env);
  const honest = await run(worker, { timeoutMs: 60_000 });
  const words = await worker.ask('result', { taskId: honest.taskId });
  assert.equal(words, 'an honest answer\nI wrote nothing.');
  const seen: Seen[] = [];
  for (const row of behaviours.filter(({ name }) => names.includes(name)).map(asHeadless)) {
    const amount = row.family === 'output' ? { amount: floodMiB } : {};
    const isolation = isWalled ? 'namespace' : 'group';
    seen.push(await observe(worker, { row, limit: 'task', isolation, ...amount }, words));
  }
  const left = seen.flatMap((each) => each.left).length;
  printCounts(t, { behaviours: seen.length, 'processes left': left, 'floods, MiB': floodMiB });
  assert.equal(seen.length, names.length);
  assert.deepEqual(
    seen.flatMap((each) => judge(each).map((complaint) => `${each.row.name} ${complaint}`)),
    [],
  );
});

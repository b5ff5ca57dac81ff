/** A cancel against an agent that hears neither it nor SIGTERM, SIGINT, SIGHUP or the end of its input. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { byEffort, printCounts } from '../effort.ts';
import { buried, prompt } from './observe.ts';
import { startWorker } from './wall.ts';
import type { WalledWorker } from './wall.ts';
import { updatesOf } from './watches.ts';

const stops = byEffort({ ci: 20, full: 200 });
const atOnce = 10;
const limitMs = 10_000;

/** The agents that have put themselves out of reach of signals. */
const deaf = (worker: WalledWorker) =>
  worker.others().filter(({ command, catchesHangup }) => catchesHangup && command.startsWith(process.execPath)).length;

const stopSome = async (worker: WalledWorker, count: number) => {
  const ask = { prompt: `behave: ignores-sigterm\n${prompt}`, timeoutMs: 600_000, attemptsMax: 1 };
  const taskIds = await Promise.all(Array.from({ length: count }, () => worker.ask('submit', ask)));
  await eventually(() => deaf(worker) === count || undefined, 'not all agents came up', 60_000);
  return Promise.all(
    taskIds.map(async (taskId) => {
      const startedAt = performance.now();
      await worker.ask('cancel', { taskId });
      const { status } = await worker.ask('outcome', { taskId });
      const tookMs = Math.round(performance.now() - startedAt);
      const facts = await worker.ask('facts', { taskId });
      const wasKilled = updatesOf({ facts }).some(({ text }) => /SIGKILL/.test(String(text)));
      return { status, tookMs, wasKilled };
    }),
  );
};

it('stops it within 10 s in 99 of 100 cases, and says that SIGKILL was needed', async (t) => {
  await using worker = await startWorker({ SESSIONS_MAX: String(atOnce) });
  const stopped: Awaited<ReturnType<typeof stopSome>> = [];
  while (stopped.length < stops) stopped.push(...(await stopSome(worker, Math.min(atOnce, stops - stopped.length))));
  const left = await buried(worker);
  const times = stopped.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const at = (share: number) => times[Math.ceil(times.length * share) - 1] ?? Infinity;
  printCounts(t, { stops: times.length, 'p50, ms': at(0.5), 'p99, ms': at(0.99), 'processes left': left.length });
  assert.ok(stopped.every(({ status }) => status === 'cancelled'));
  assert.ok(stopped.every(({ wasKilled }) => wasKilled));
  assert.ok(at(0.99) < limitMs, `p99 is ${at(0.99)} ms`);
  assert.deepEqual(left, []);
});

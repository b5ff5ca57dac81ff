/** Runs of every kind, several at once, cancelled, timed out and cut off by the end of their worker: no process survives them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { behaviours } from '../../../services/local/demo-agent/behaviours.ts';
import { byEffort, chance, printCounts } from '../effort.ts';
import { buried, prompt, run } from './observe.ts';
import { isWalled, startWorker } from './wall.ts';
import type { Process } from './wall.ts';

const runs = byEffort({ ci: 200, full: 1_000 });
const sessionsMax = 5;
const grace = { SESSIONS_MAX: String(sessionsMax), SESSION_SPARES: '1', AGENT_STOP_GRACE_MS: '300' };

/** What is played small, since here it is not the size that counts. */
const small: Readonly<Record<string, number>> = {
  ...{ 'floods-lines': 4, 'floods-one-line': 4, 'floods-random': 4, 'floods-stderr': 4, 'floods-updates': 4 },
  ...{ interleaves: 20, 'takes-memory': 32, 'fork-bomb': 31, 'hangs-heart-beating': 50, 'takes-descriptors': 1_000 },
};
const playable = behaviours.filter(({ startOnly, family }) => !startOnly && family !== 'disk');

/** How the worker's own life ends: its runs are to be survived by nothing either way. */
type Life = { readonly isolation: 'namespace' | 'group'; readonly end: 'SIGTERM' | 'SIGKILL' };
const isolations = isWalled ? (['namespace', 'group'] as const) : (['group'] as const);
const lives: readonly Life[] = isolations.flatMap((isolation) =>
  (['SIGTERM', 'SIGKILL'] as const).map((end) => ({ isolation, end })),
);

type Ended = Readonly<Record<string, number>>;

/** Five at once, one after another; the last ones are under way when the worker is told to end, or killed. */
const live = async ({ isolation, end }: Life, count: number) => {
  const { next, below } = chance(`survivors ${isolation} ${end}`);
  await using worker = await startWorker({ ...grace, AGENT_ISOLATION: isolation });
  const rows = playable.filter(({ name }) => isolation === 'namespace' || name !== 'hides');
  const ended: Record<string, number> = {};
  const note = (what: string) => (ended[what] = (ended[what] ?? 0) + 1);
  let [started, finished, most] = [0, 0, 0];
  const one = async (): Promise<void> => {
    const row = rows[below(rows.length)];
    assert.ok(row);
    const amount = small[row.name];
    const text = `behave: ${row.name}${amount === undefined ? '' : `:${amount}`}\n${prompt}`;
    const timeoutMs = row.outcomes.includes('timed-out') ? 100 + below(900) : 60_000;
    const cancelAfterMs = row.outcomes.includes('cancelled') || next() < 0.25 ? below(400) : undefined;
    const taskId = await worker.ask('submit', { prompt: text, timeoutMs, attemptsMax: 1 });
    const outcome = worker.ask('outcome', { taskId });
    // The worker may be killed before we come to wait for it.
    outcome.catch(() => undefined);
    if (cancelAfterMs !== undefined) {
      await pause(cancelAfterMs);
      await worker.ask('cancel', { taskId });
    }
    const { status, error } = await outcome;
    note(status === 'failed' ? String(error?.class) : status);
  };
  const lane = async (): Promise<void> => {
    while (started < count) {
      started += 1;
      await one().catch(() => note('cut off'));
      finished += 1;
      most = Math.max(most, worker.others().length);
      if (finished === count - sessionsMax + 1) worker.signal(end);
    }
  };
  await Promise.all(Array.from({ length: sessionsMax }, lane));
  const code = await worker.ended();
  return { code, ended, most, left: await buried(worker) };
};

const added = (all: Ended, some: Ended): Ended =>
  Object.entries(some).reduce((sum, [what, count]) => ({ ...sum, [what]: (sum[what] ?? 0) + count }), all);

describe('a worker that runs agents of every kind, five at once', () => {
  it('is survived by none of their processes, whether it is stopped or killed', async (t) => {
    const lived = [];
    for (const life of lives) lived.push(await live(life, Math.ceil(runs / lives.length)));
    const ended = lived.map((life) => life.ended).reduce(added, {});
    const left = lived.flatMap((life): readonly Process[] => life.left);
    printCounts(t, {
      runs: Object.values(ended).reduce((sum, count) => sum + count, 0),
      ...ended,
      workers: lived.length,
      'most processes at once': Math.max(...lived.map(({ most }) => most)),
      survivors: left.length,
    });
    assert.deepEqual(left, []);
    assert.deepEqual(
      lived.map(({ code }) => code),
      lives.map(({ end }) => (end === 'SIGTERM' ? 0 : 137)),
    );
  });

  it('would be seen to leave some behind if only the first process of an agent was stopped', async (t) => {
    const preload = join(import.meta.dirname, 'plants/leader-only.ts');
    await using worker = await startWorker({ AGENT_ISOLATION: 'group' }, preload);
    for (const behave of ['setsid-orphan', 'daemonises', 're-parents', 'fork-bomb:15'])
      await run(worker, { timeoutMs: 60_000, prompt: `behave: ${behave}\n${prompt}` });
    await worker.ask('close-all');
    worker.signal('SIGTERM');
    await worker.ended();
    const left = worker.others();
    printCounts(t, { 'survivors of a planted bug': left.length });
    assert.equal(left.filter(({ command }) => command === 'sleep 600').length, 18);
  });
});

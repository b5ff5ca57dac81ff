/** Every behaviour of the demo agent meets a real worker, and each comes to what the table says. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { behaviours } from '../../../services/local/demo-agent/behaviours.ts';
import { byEffort, chance, printCounts } from '../effort.ts';
import { judge, isKnown } from './judge.ts';
import { lies, liesAbout } from './lies.ts';
import { observe, prompt, run, silenceMs } from './observe.ts';
import type { Seen, Trial } from './observe.ts';
import { isWalled, startWorker } from './wall.ts';
import { watches } from './watches.ts';

/** In continuous integration what takes long or much is played smaller; the flood of a gigabyte is a proof of its own. */
const amounts: Readonly<Record<string, number>> = byEffort({
  ci: {
    ...{ 'floods-lines': 128, 'floods-one-line': 128, 'floods-random': 64, 'floods-stderr': 128, interleaves: 200 },
    ...{ 'fills-disk': 128, 'fills-inodes': 5_000, 'takes-memory': 256 },
  },
  full: {},
});

const canary = 'canary-4f1d2c9a7b';
const env = { CANARY: canary, AGENT_ENV: 'CANARY' };

const isSilent = (row: Trial['row']) => row.outcomes.includes('timed-out') && row.outcomes.length > 1;
const isAboutProcesses = ({ family, name }: Trial['row']) =>
  family === 'processes' || family === 'hang' || name === 'keeps-socket' || name === 'burns-cpu';

const trial = (row: Trial['row'], more: Partial<Trial>): Trial => {
  const amount = amounts[row.name];
  return { row, limit: 'task', isolation: 'namespace', ...(amount === undefined ? {} : { amount }), ...more };
};

/** Each lane is a worker that plays its trials one after another, so that memory and processes belong to one of them. */
const lanes: readonly { readonly env: Record<string, string>; readonly trials: Trial[] }[] = [
  ...[0, 1, 2, 3, 4].map((lane) => ({
    env,
    trials: behaviours
      .filter((_, index) => index % 5 === lane)
      .map((row) => trial(row, isWalled ? {} : { isolation: 'group' })),
  })),
  {
    env: { ...env, AGENT_IDLE_LIMIT_MS: String(silenceMs) },
    trials: behaviours
      .filter(isSilent)
      .map((row) => trial(row, { limit: 'silence', ...(isWalled ? {} : { isolation: 'group' }) })),
  },
  ...[0, 1].map((lane) => ({
    env: { ...env, AGENT_ISOLATION: 'group' },
    trials: (isWalled ? behaviours.filter(isAboutProcesses) : [])
      .filter((_, index) => index % 2 === lane)
      .map((row) => trial(row, { isolation: 'group' })),
  })),
];

const shuffled = <T>(items: readonly T[], next: () => number): T[] =>
  items
    .map((item) => ({ item, at: next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

const playLane = async ({ env: own, trials }: (typeof lanes)[number], random: () => number): Promise<Seen[]> => {
  await using worker = await startWorker(own);
  const honest = await run(worker, { timeoutMs: 60_000 });
  const words = await worker.ask('result', { taskId: honest.taskId });
  // What the collector lets pile up before it first runs is the same for every program that reads a pipe.
  await run(worker, { timeoutMs: 60_000, prompt: `behave: floods-stderr:64\n${prompt}` });
  await worker.ask('close-all');
  const seen: Seen[] = [];
  for (const each of shuffled(trials, random)) seen.push(await observe(worker, each, words));
  return seen;
};

const titleOf = ({ row, limit, isolation }: Trial) => `${row.name} (limit of ${limit}, ${isolation})`;

describe('every behaviour of the demo agent', () => {
  let accepted: Seen[] = [];

  it('is watched by something that can fail', () => {
    assert.deepEqual(
      behaviours.filter(({ watch }) => !watches[watch]),
      [],
    );
  });

  it('comes to the outcome of its row, within its deadline, told in words, and leaves the worker as it was', async (t) => {
    const random = chance('matrix');
    const startedAt = performance.now();
    const seen = (await Promise.all(lanes.map((lane) => playLane(lane, random.next)))).flat();
    const complaints = seen.flatMap((each) => judge(each).map((complaint) => `${titleOf(each)} ${complaint}`));
    const hidden = seen.filter((each) => each.left.length > 0 && isKnown(each));
    const hung = seen.filter(({ row }) => row.outcomes.includes('timed-out'));
    printCounts(t, {
      behaviours: new Set(seen.map(({ row }) => row.name)).size,
      trials: seen.length,
      'slowest end of a hang, ms over its limit': Math.max(...hung.map((h) => h.endedAt - h.startedAt - h.limitMs)),
      'most growth, MiB': Math.max(...seen.map(({ grownMiB }) => grownMiB)),
      'processes left': seen.reduce((sum, each) => sum + (isKnown(each) ? 0 : each.left.length), 0),
      'played smaller': Object.keys(amounts).length,
      seconds: Math.round((performance.now() - startedAt) / 1_000),
    });
    for (const { row, grownMiB } of seen.toSorted((a, b) => b.grownMiB - a.grownMiB).slice(0, 3))
      t.diagnostic(`${row.name} grew by ${grownMiB} MiB`);
    for (const each of hidden)
      t.diagnostic(`known limit: ${titleOf(each)} left ${each.left.length} process that nothing betrays`);
    assert.deepEqual(complaints, []);
    accepted = seen;
  });

  it('finds no way to have a secret stored', { todo: 'pending: there is no redactor yet' }, (t) => {
    const facts = accepted.find(({ row }) => row.name === 'leaks-canary')?.facts ?? [];
    const stored = facts.filter((fact) => JSON.stringify(fact).includes(canary)).length;
    t.diagnostic(`pending: leaks-canary, "it is stored nowhere": ${stored} of ${facts.length} facts hold the canary`);
    assert.equal(stored, 0);
  });

  it('would not have been accepted with any of the lies that can be told about it', (t) => {
    assert.ok(accepted.length > 0);
    const believed: string[] = [];
    let told = 0;
    for (const seen of accepted) {
      const { watch } = seen.row;
      for (const [name, lie] of Object.entries({ ...lies, [watch]: liesAbout[watch] ?? (() => ({})) })) {
        told += 1;
        if (judge({ ...seen, ...lie(seen) }).length === 0) believed.push(`${titleOf(seen)}: ${name}`);
      }
    }
    printCounts(t, { 'lies told': told, 'lies believed': believed.length });
    assert.deepEqual(believed, []);
  });
});

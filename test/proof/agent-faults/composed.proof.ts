/** The faults that a prompt can choose, through the whole system: what clients read over HTTP is what the table says. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { z } from 'zod';
import { carriersOf } from '#test/support/processes.ts';
import { eventually } from '#test/support/eventually.ts';
import { startSystem, temporaryDir } from '#test/support/system.ts';
import type { System } from '#test/support/system.ts';
import { behaviours } from '../../../services/local/demo-agent/behaviours.ts';
import type { Behaviour } from '../../../services/local/demo-agent/behaviours.ts';
import { byEffort, printCounts } from '../effort.ts';

const families = byEffort<readonly Behaviour['family'][]>({
  ci: ['encoding', 'protocol'],
  full: ['encoding', 'protocol', 'exit', 'hang', 'processes', 'hostile'],
});
const besides = ['exit-1-after-prompt', 'killed-mid-result', 'ignores-sigterm', 'prompt-injection', 'keeps-socket'];
const played = behaviours.filter(
  ({ name, family, startOnly }) => !startOnly && (families.includes(family) || besides.includes(name)),
);
const small: Readonly<Record<string, number>> = { 'takes-memory': 64, 'fork-bomb': 31 };
const atOnce = 5;

const Events = z.object({ events: z.array(z.looseObject({ type: z.string() })) });
const Told = z.object({ class: z.string(), message: z.string().min(15), remedy: z.string().min(15) });

const meet = async (system: System, row: Behaviour) => {
  const amount = small[row.name];
  const timeoutMs = row.outcomes.includes('timed-out') ? 1_000 : 120_000;
  const message = `behave: ${row.name}${amount === undefined ? '' : `:${amount}`}\nreverse abcdefg`;
  const taskId = await system.submit(message, { timeoutMs });
  if (row.outcomes.includes('cancelled')) {
    await eventually(
      async () => (await system.read(taskId)).status === 'processing' || undefined,
      'never began',
      60_000,
    );
    assert.equal((await system.post(`/api/task/${taskId}/cancel`)).status, 202);
  }
  const { status, error } = await system.outcome(taskId, 120_000);
  const { events } = Events.parse(await (await system.get(`/api/task/${taskId}/events?limit=1000`)).json());
  const came = status === 'failed' ? Told.parse(error).class : status;
  return { row, came, events, shown: JSON.stringify(await system.read(taskId)) };
};

it('every task meets its fault and has the outcome of its row, in words, and no process is left', async (t) => {
  await using dataDir = await temporaryDir();
  const system = await startSystem(dataDir.path, { HOME: dataDir.path, AGENT_STOP_GRACE_MS: '1000' });
  try {
    const rest = [...played];
    const met: Awaited<ReturnType<typeof meet>>[] = [];
    const lane = async () => {
      for (let row = rest.pop(); row; row = rest.pop()) met.push(await meet(system, row));
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    const wrong = met.filter(({ row, came }) => !row.outcomes.some((outcome) => outcome === came));
    printCounts(t, {
      tasks: met.length,
      facts: met.reduce((sum, { events }) => sum + events.length, 0),
      wrong: wrong.length,
    });
    assert.deepEqual(
      wrong.map(({ row, came }) => `${row.name} is ${came}`),
      [],
    );
    const ends = met.map(({ events }) => events.filter(({ type }) => /^Task(Completed|Failed|Cancelled)$/.test(type)));
    assert.ok(ends.every(({ length }) => length === 1));
    // JSON escapes half a character, so that a lone one shows as an escape.
    assert.ok(met.every(({ events, shown }) => !/\\ud[89a-f]/i.test(JSON.stringify(events) + shown)));
  } finally {
    assert.equal(await system.stop(), 0);
  }
  const left = () => carriersOf(dataDir.path).length;
  await eventually(() => left() === 0 || undefined, `${left()} processes are left`, 12_000);
});

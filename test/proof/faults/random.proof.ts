/** One request in five fails in some way, of every service, all the time: every task ends, once, and nobody asks more than four times. */
import './short-times.ts';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { silent } from '#platform/log.ts';
import type { Call, Fault, Intercept } from '#test/support/faulty-aws.ts';
import { breachesOf, recorder, tell } from '#test/support/history.ts';
import type { FactName } from '#test/support/history.ts';
import type { Random } from '#test/support/random.ts';
import { byEffort, chance, printCounts } from '../effort.ts';
import type { Column } from './columns.ts';

const { clientsFor, openWorld, startApi, startRelay, startWorker, TaskAnswer } = await import('./world.ts');
const { createCells } = await import('./cells.ts');
const { countAttempts, watching } = await import('./watch.ts');
const { inParallel } = await import('./matrix.ts');
const { columns } = await import('./columns.ts');
const { answerColumns } = await import('./answers.ts');
const { allAnnounced, allOver, readStored } = await import('./stored.ts');
const { scriptedByPrompt } = await import('./worker-rows.ts');

const { tasks, rate } = byEffort({ ci: { tasks: 80, rate: 0.2 }, full: { tasks: 5_000, rate: 0.1 } });

/** Faults that strike one attempt: how often the next is struck is up to chance as well. */
const drawn = [...columns, ...answerColumns].filter(({ name }) => !name.endsWith('for good'));

/** Strikes so much of what it is asked about, and counts with what. */
const striking = (
  random: Random,
  injected: Map<string, number>,
  others: Parameters<Column['strike']>[2],
): Intercept => {
  const strike = (call: Call): Fault | undefined => {
    const [first, ...rest] = drawn.filter(({ matches }) => matches(call));
    if (!first || random.next() >= rate) return undefined;
    const { name, variants, strike: how } = random.oneOf([first, ...rest]);
    injected.set(name, (injected.get(name) ?? 0) + 1);
    return how({ ...call, attempt: 1 }, random.below(variants?.(call) ?? 1), others);
  };
  return strike;
};

describe('one request in five', () => {
  it('fails, and every task that was accepted ends once all the same', async (test) => {
    await using world = await openWorld();
    const { aws, store, newKey, others } = world;
    const [attempts, record] = [countAttempts(), recorder()];
    const announced: FactName[] = [];
    const injected = new Map<string, number>();
    let isArmed = false;
    const strike = striking(chance('requests'), injected, others);
    const also: Intercept = (call) => (isArmed ? strike(call) : undefined);
    const watched = watching({ cells: createCells(), attempts, announced }, aws.clients.sqs, also);
    using clients = clientsFor(aws, watched);
    const script = scriptedByPrompt();
    const given = { aws, clients, log: silent };
    await using api = await startApi(given);
    await using _relay = await startRelay(given);
    await using _otherRelay = await startRelay(given);
    await using worker = await startWorker(given, script);
    await using otherWorker = await startWorker(given, script);
    const { key } = await newKey();

    const random = chance('tasks');
    const prompts = Array.from({ length: tasks }, () => random.oneOf(['hello', 'hello', 'say much', 'fail once']));
    let refused = 0;
    const submit = async (prompt: string): Promise<void> => {
      const mark = randomUUID();
      const body = { message: `${prompt} ${mark}`, metadata: { mark } };
      for (let tries = 0; tries < 20; tries += 1) {
        const invoked = record.invoke('submit', mark);
        const answer = await api.ask('POST', '/api/chat', { key, body, headers: { 'idempotency-key': mark } });
        if (answer.status === 202) {
          const { taskId, status } = TaskAnswer.parse(await answer.json());
          invoked.ok({ taskId, version: 1, status });
          return;
        }
        assert.equal(answer.status, 503);
        assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
        refused += 1;
      }
      assert.fail('twenty tries, and not accepted');
    };
    // Starting is another proof's business: here it is over when a first task has gone all the way.
    await submit('hello');
    await allOver(store, 30_000);
    isArmed = true;
    const startedAt = performance.now();
    await inParallel(prompts, 8, submit);
    await allOver(store, byEffort({ ci: 120_000, full: 3_600_000 }));
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const all = [...injected.values()].reduce((sum, each) => sum + each, 0);
    const counts = { tasks, requests: attempts.all(), 'faults injected': all, 'answers 503': refused, seconds };
    printCounts(test, { ...counts, 'most attempts': Math.max(...attempts.most().values()) });
    printCounts(test, Object.fromEntries(injected));

    await Promise.all([worker[Symbol.asyncDispose](), otherWorker[Symbol.asyncDispose]()]);
    await allAnnounced(store, announced);
    const stored = await readStored(store);
    assert.equal(tell(breachesOf({ operations: record.operations(), stored, announced })), '');
    assert.deepEqual(
      [...attempts.most()].filter(([, most]) => most > 4),
      [],
    );
  });
});

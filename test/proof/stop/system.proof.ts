/** The whole system told to stop, as Ctrl-C does, at any moment of its work; and started again on what it left. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { isAlive, until } from '#test/support/processes.ts';
import { startSystem, temporaryDir } from '#test/support/system.ts';
import type { System } from '#test/support/system.ts';
import { byEffort, chance, printCounts } from '../effort.ts';
import { faultsOf, faultsOfTask } from './judge.ts';
import type { Stop } from './judge.ts';

const stops = byEffort({ ci: 2, full: 10 });
/** The grace that `make run` gives, a wait at the queues that cannot be broken off (5 s), and agents that are asked first. */
const limitMs = 5_000 + 10_000;
const runMsMax = 2_000;
const Page = z.object({
  events: z.array(z.looseObject({ type: z.string(), version: z.int(), cause: z.string().optional() })),
});

describe('SIGTERM for the whole system', () => {
  let dir: Awaited<ReturnType<typeof temporaryDir>>;
  const random = chance('system');
  const submitted: string[] = [];
  before(async () => {
    dir = await temporaryDir();
  });
  after(() => dir[Symbol.asyncDispose]());

  const stopOnce = async (): Promise<Stop> => {
    const system: System = await startSystem(dir.path);
    const prompts = ['wait 8 s', 'wait 2 s', ...Array.from({ length: 4 }, (_, n) => `reverse number ${n}`)];
    submitted.push(...(await Promise.all(prompts.map((prompt) => system.submit(prompt)))));
    await pause(random.below(runMsMax));
    const below = system.processes();
    const startedAt = performance.now();
    const exit = (await system.stop()) ?? 'a signal';
    const tookMs = performance.now() - startedAt;
    const survivors = below.filter(isAlive).length;
    return { role: 'system', exit, tookMs, limitMs, hadBegun: true, survivors, takenLate: 0, cutOff: [] };
  };

  it('ends with 0 and in time, leaves nothing running, and the next start ends every task', async (t) => {
    const seen: Stop[] = [];
    for (let n = 0; n < stops; n += 1) seen.push(await stopOnce());
    await using system = await startSystem(dir.path);
    const faults = seen.flatMap(faultsOf);
    for (const taskId of submitted) {
      await system.outcome(taskId, 120_000);
      const answer = await system.get(`/api/task/${taskId}/events?limit=1000`);
      const found = faultsOfTask(Page.parse(await answer.json()).events, 'TaskCompleted');
      faults.push(...found.map((fault) => `${taskId} ${fault}`));
    }
    const took = seen.map(({ tookMs }) => Math.round(tookMs));
    printCounts(t, { stops, 'took ms': took.join(' '), 'at most': limitMs, tasks: submitted.length });
    assert.deepEqual(faults, []);
    const below = system.processes();
    await system.stop();
    await until(() => !below.some(isAlive), 'something survived');
  });
});

/** Every service told to stop at any moment, under work: tasks pending and running, requests in flight, streams and sockets open. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { startAws } from '#test/support/aws.ts';
import { client, temporaryDir } from '#test/support/system.ts';
import { byEffort, chance, printCounts } from '../effort.ts';
import { Crew, roles } from './crew.ts';
import { faultsOf, faultsOfTask } from './judge.ts';
import type { Stop } from './judge.ts';

const stops = byEffort({ ci: 18, full: 190 });
const graceMs = 1_000;
/** The grace, a wait at the queues that cannot be broken off (5 s), and an agent that is asked before it is killed. */
const limitMs = graceMs + 10_000;
const uptimeMsMax = 1_500;

const Page = z.object({
  events: z.array(z.looseObject({ type: z.string(), version: z.int(), cause: z.string().optional() })),
});

describe('SIGTERM at any moment', () => {
  let opened: AsyncDisposableStack;
  let crew: Crew;
  const random = chance('services');
  const prompts = chance('prompts');
  const prompt = () => prompts.oneOf(['reverse abc', 'reverse abc', 'reverse abc', 'wait 1 s', 'wait 2 s']);
  let endless = '';

  before(async () => {
    await using stack = new AsyncDisposableStack();
    const dir = stack.use(await temporaryDir());
    const aws = stack.use(await startAws({ dataDir: dir.path }));
    crew = stack.use(new Crew({ aws, dir: dir.path, graceMs, limitMs, prompt }));
    for (const role of roles) crew.start(role);
    const url = await crew.url();
    const key = await crew.key();
    endless = await client(url, key).submit('wait 600 s', { timeoutMs: 300_000 });
    crew.setEndless(endless);
    await crew.replace('api', false);
    opened = stack.move();
  });
  after(() => opened.disposeAsync());

  const readFacts = async (taskId: string) => {
    const { get } = client(await crew.url(), await crew.key());
    const answer = await get(`/api/task/${taskId}/events?limit=1000`);
    return answer.status === 200 ? Page.parse(await answer.json()).events : undefined;
  };

  it('ends every service with 0 and in time, nothing taken on, cut off or left behind', async (t) => {
    const seen: Stop[] = [];
    for (let n = 0; n < stops; n += 1) {
      const role = roles[n % roles.length] ?? 'api';
      // Some are stopped before they have started.
      if (random.next() < 0.7) await crew.started(role);
      await pause(random.below(uptimeMsMax));
      seen.push(await crew.replace(role, random.next() < 0.5));
    }
    const took = seen.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
    printCounts(t, {
      ...Object.fromEntries(
        roles.map((role) => [`stops of ${role}`, seen.filter((stop) => stop.role === role).length]),
      ),
      'before it had begun': seen.filter(({ hadBegun }) => !hadBegun).length,
      'took ms': `p50 ${took[took.length >> 1]?.toFixed(0)} max ${took.at(-1)?.toFixed(0)} of ${limitMs}`,
      ...{ acknowledged: crew.acknowledged.length, 'other answers': crew.answered - crew.acknowledged.length },
    });
    assert.deepEqual(seen.flatMap(faultsOf), []);
  });

  it('loses no task and costs none an attempt', async (t) => {
    await crew.replace('api', false);
    const { outcome, post } = client(await crew.url(), await crew.key());
    assert.equal((await post(`/api/task/${endless}/cancel`)).status, 202);
    for (const taskId of [...crew.acknowledged, endless]) await outcome(taskId, 60_000);
    const faults: string[] = [];
    let handedBack = 0;
    for (const taskId of [...crew.acknowledged, endless]) {
      const facts = await readFacts(taskId);
      handedBack += facts?.filter(({ type }) => type === 'TaskInterrupted').length ?? 0;
      const found = faultsOfTask(facts, taskId === endless ? 'TaskCancelled' : 'TaskCompleted');
      faults.push(...found.map((fault) => `${taskId} ${fault}`));
    }
    printCounts(t, { tasks: crew.acknowledged.length + 1, 'handed back': handedBack });
    assert.deepEqual(faults, []);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { carriersOf, isAlive, until } from '#test/support/processes.ts';
import { startSystem, temporaryDir } from '#test/support/system.ts';
import type { System } from '#test/support/system.ts';

const Page = z.object({ events: z.array(z.looseObject({ type: z.string(), version: z.int() })) });
const outcomes = ['TaskCompleted', 'TaskFailed', 'TaskCancelled'];

const factsOf = async (system: System, taskId: string) =>
  Page.parse(await (await system.get(`/api/task/${taskId}/events?limit=1000`)).json()).events;

describe('kill -9 of everything', () => {
  it('loses no acknowledged task, gives each one outcome, and leaves no agent alive', async () => {
    await using dir = await temporaryDir();
    const first = await startSystem(dir.path);
    const running = await Promise.all(Array.from({ length: 5 }, (_, n) => first.submit(`wait 3 s, number ${n}`)));
    for (const taskId of running)
      while ((await first.read(taskId)).status === 'pending') await first.get(`/api/task/${taskId}?wait=1`);
    const pending = await Promise.all(Array.from({ length: 10 }, (_, n) => first.submit(`reverse number ${n}`)));
    const ours = new Set(first.processes());
    const agents = carriersOf('KIRO_DISPATCH_RUN=').filter((pid) => ours.has(pid));
    assert.ok(agents.length >= 5, `${agents.length} agent processes`);

    await first.killAll();
    await until(() => agents.every((pid) => !isAlive(pid)), 'an agent survived');

    await using second = await startSystem(dir.path);
    for (const taskId of [...running, ...pending]) {
      const task = await second.outcome(taskId, 120_000);
      assert.equal(task.status, 'completed', JSON.stringify(task.error));
      const facts = await factsOf(second, taskId);
      assert.deepEqual(
        facts.map(({ version }) => version),
        facts.map((_, index) => index + 1),
      );
      assert.equal(facts.filter(({ type }) => outcomes.includes(type)).length, 1);
    }
  });
});

describe('kill -9 of what make run started first', () => {
  it('ends everything below it within seconds, agents at work included', async () => {
    await using dir = await temporaryDir();
    const system = await startSystem(dir.path);
    const taskId = await system.submit('wait 60 s');
    while ((await system.read(taskId)).status === 'pending') await system.get(`/api/task/${taskId}?wait=1`);
    const below = system.processes();
    await system.killFirst();
    await until(() => below.every((pid) => !isAlive(pid)), 'something survived', 5_000);
  });
});

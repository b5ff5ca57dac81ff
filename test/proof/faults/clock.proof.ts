/** Clocks that are set while something is held: leases follow time that passes, and nobody's wall clock. */
import './short-times.ts';
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { silent } from '#platform/log.ts';
import { isOver, Task } from '#events/task.ts';
import type { TaskId } from '#events/ids.ts';
import { eventually } from '#test/support/eventually.ts';
import type { Call } from '#test/support/faulty-aws.ts';
import type { FactName } from '#test/support/history.ts';
import type { Script } from '#test/support/scripted-agent.ts';
import { byEffort, chance, printCounts } from '../effort.ts';
import type { World } from './world.ts';

const { clientsFor, openWorld, startRelay, startWorker } = await import('./world.ts');
const { createCells } = await import('./cells.ts');
const { countAttempts, watching } = await import('./watch.ts');
const { inParallel } = await import('./matrix.ts');
const { seedTask } = await import('./api-rows.ts');

const hourMs = 3_600_000;

/** Long enough for several heartbeats and looks, at a tenth of their times. */
const takesAWhile: Script = async () => {
  await delay(2_500);
  return { outcome: 'completed', text: 'done', stopReason: 'end_turn' };
};

describe('a clock that is set by an hour', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  const newTask = async (): Promise<TaskId> => seedTask(world, (await world.newKey()).accountId);
  const ended = (taskId: TaskId): Promise<Task> =>
    eventually(
      async () => {
        const task = Task.parse((await world.store.readRow(`task/${taskId}`))?.row);
        return isOver(task) ? task : undefined;
      },
      `${taskId} did not end`,
      60_000,
    );
  const isAbout = ({ input, command }: Call, taskId: TaskId): boolean =>
    command !== 'PutEventsCommand' && JSON.stringify(input).includes(taskId);

  it('at any request about a running task costs it no attempt, also where that heartbeat is lost', async (test) => {
    const requests = 8;
    const all = Array.from({ length: requests }, (_, index) =>
      [hourMs, -hourMs].map((jumpMs) => ({ nth: index + 1, jumpMs })),
    ).flat();
    const { below } = chance('clock');
    while (all.length > byEffort({ ci: 4, full: requests * 2 })) all.splice(below(all.length), 1);
    let jumps = 0;
    // One after the other: a second worker would be another's clock, which is another question.
    for (const { nth, jumpMs } of all) {
      let [skewMs, seen] = [0, 0];
      const taskId = await newTask();
      using clients = clientsFor(world.aws, (call) => {
        if (!isAbout(call, taskId) || (seen += 1) !== nth) return undefined;
        jumps += 1;
        return (send) => {
          skewMs = jumpMs;
          if (call.command === 'UpdateItemCommand') return Promise.reject(new Error('lost'));
          return send();
        };
      });
      const given = { aws: world.aws, clients, log: silent };
      await using _relay = await startRelay(given);
      await using _worker = await startWorker({ ...given, clock: () => Date.now() + skewMs }, takesAWhile);
      const { status, attempt } = await ended(taskId);
      assert.deepEqual({ status, attempt }, { status: 'completed', attempt: 1 }, `#${nth} by ${jumpMs}`);
    }
    printCounts(test, { tasks: all.length, jumps });
  });

  it('takes no task from another worker that lives', async () => {
    using clients = clientsFor(world.aws, () => undefined);
    const given = { aws: world.aws, clients, log: silent };
    await using _relay = await startRelay(given);
    await using _one = await startWorker(given, takesAWhile);
    const taskId = await newTask();
    await eventually(async () => {
      const task = Task.parse((await world.store.readRow(`task/${taskId}`))?.row);
      return task.status === 'processing' || undefined;
    }, 'nobody took it');
    await using _other = await startWorker({ ...given, clock: () => Date.now() + hourMs }, takesAWhile);
    const { status, attempt } = await ended(taskId);
    assert.deepEqual({ status, attempt }, { status: 'completed', attempt: 1 });
  });

  it('keeps no shard of the log from being announced when its holder is gone', async () => {
    const announced: FactName[] = [];
    const seen = { cells: createCells(), attempts: countAttempts(), announced };
    let isGone = false;
    using gone = clientsFor(world.aws, () => (isGone ? () => Promise.reject(new Error('gone')) : undefined));
    using clients = clientsFor(world.aws, watching(seen, world.aws.clients.sqs));
    const subscription = 'set-clock';
    const given = { aws: world.aws, log: silent };
    const clock = () => Date.now() + hourMs;
    {
      await using ahead = await startRelay({ ...given, clients: gone, clock }, { subscription });
      await eventually(() => ahead.held().length === world.store.shards || undefined, 'it does not hold every shard');
      // It dies without letting go.
      isGone = true;
    }
    await newTask();
    await using _next = await startRelay({ ...given, clients }, { subscription });
    const { length } = announced;
    await inParallel([await newTask()], 1, async (taskId) => {
      await eventually(
        () => announced.slice(length).some(({ stream }) => stream === `task/${taskId}`) || undefined,
        'nothing is announced',
        15_000,
      );
    });
  });
});

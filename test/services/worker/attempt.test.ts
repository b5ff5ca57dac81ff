/** What ends an attempt from outside, and what does not. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { WorkerId } from '#events/ids.ts';
import { silent } from '#platform/log.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { Attempt, beatMs, heartbeat } from '../../../services/worker/attempt.ts';
import { origin, testWorld } from './worker-bench.ts';

for (const hourMs of [3_600_000, -3_600_000])
  it(`a heartbeat that fails ends no attempt while the clock is set by ${hourMs / 3_600_000} h`, async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const world = testWorld();
    const task = await world.read(await world.submit('hello'));
    const attempt = new Attempt(world.handleTask, origin, task, 1);
    let beats = 0;
    const deps = {
      workerId: WorkerId.parse(uuidv7(1)),
      markRow: async () => {
        beats += 1;
        world.pass(hourMs);
        return Promise.reject(new Error('the store is away'));
      },
      ...{ clock: world.clock, log: silent, alongside: async () => undefined },
    };
    using _beat = heartbeat(attempt, 1, deps);
    t.mock.timers.tick(beatMs);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(beats, 1);
    assert.equal(attempt.cause, undefined);
  });

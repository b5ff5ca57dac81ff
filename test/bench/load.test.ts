/** The closed loop that makes the load. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { closedLoop } from './load.ts';

describe('a closed loop', () => {
  it('has every worker do its share in order, and as many at once as was asked for', async () => {
    const done: string[] = [];
    let running = 0;
    let most = 0;
    const loaded = await closedLoop({ operations: 12, concurrency: 3 }, async (worker, nth) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      done.push(`${worker}.${nth}`);
    });
    assert.equal(most, 3);
    assert.deepEqual(
      done.filter((each) => each.startsWith('1.')),
      ['1.0', '1.1', '1.2', '1.3'],
    );
    assert.equal(done.length, 12);
    assert.ok(loaded.perSecond > 0 && loaded.p50Ms <= loaded.p99Ms);
  });

  it('rejects with the fault of an operation: a figure without its failures is none', async () => {
    const fault = new Error('refused');
    await assert.rejects(
      closedLoop({ operations: 2, concurrency: 1 }, () => Promise.reject(fault)),
      fault,
    );
  });
});

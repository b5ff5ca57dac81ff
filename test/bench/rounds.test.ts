/** The frame of the benchmark: figures are only as good as this. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { differenceOf, interleave, median, percentile, ratioOf, spreadOf } from './rounds.ts';

describe('rounds', () => {
  it('are interleaved, and no side is always the first', async () => {
    const order: string[] = [];
    const side = (name: string) => async () => order.push(name);
    assert.deepEqual(await interleave(3, [side('a'), side('b')]), [
      [1, 4, 5],
      [2, 3, 6],
    ]);
    assert.equal(order.join(''), 'abbaab');
  });

  it('never run two sides at once', async () => {
    let running = 0;
    const side = async () => {
      running += 1;
      assert.equal(running, 1);
      await new Promise(setImmediate);
      running -= 1;
    };
    await interleave(2, [side, side, side]);
  });

  it('show work that was planted: twice the work is half the speed, on whatever machine', async () => {
    const cpuMicrosOf = (times: number) => async () => {
      const before = process.cpuUsage();
      let sum = 0;
      for (let n = 0; n < times * 20_000_000; n += 1) sum = (sum + n) | 0;
      const { user, system } = process.cpuUsage(before);
      return user + system + (sum & 0);
    };
    const sides = [cpuMicrosOf(2), cpuMicrosOf(1), cpuMicrosOf(1)];
    await interleave(1, sides);
    const [twice = [], once = [], again = []] = await interleave(5, sides);
    const planted = ratioOf(twice, once).median;
    const same = ratioOf(again, once).median;
    assert.ok(planted > 1.5 && planted < 2.7, `twice the work was ${planted} times as much`);
    assert.ok(same > 0.7 && same < 1.4, `the same work was ${same} times as much`);
  });
});

describe('what several rounds come to', () => {
  it('has the value in the middle as its median, or the mean of the two', () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([7]), 7);
    assert.ok(Number.isNaN(median([])));
  });

  it('has percentiles that were measured', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
    assert.equal(percentile(hundred, 50), 50);
    assert.equal(percentile(hundred, 99), 99);
    assert.equal(percentile([3, 1, 2], 99), 3);
    assert.equal(percentile([1], 50), 1);
  });

  it('is told with the least and the most of them', () => {
    assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, low: 1, high: 3 });
  });

  it('is compared within each round, so that a slow minute slows both sides and changes nothing', () => {
    const machine = [1, 1, 10, 1, 7];
    const ours = machine.map((slow) => 2 * slow);
    assert.deepEqual(ratioOf(ours, machine), { median: 2, low: 2, high: 2 });
    assert.deepEqual(differenceOf([5, 6], [4, 4]), { median: 1.5, low: 1, high: 2 });
  });

  it('is not compared when a round is missing', () => {
    assert.throws(() => ratioOf([1, 2], [1]), { message: '2 rounds cannot be compared with 1' });
  });
});

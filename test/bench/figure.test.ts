/** The lines of the table: what is missed is called missed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { amount, excess, ratio, tableOf } from './figure.ts';

const compared = { what: 'append', unit: '/s', ours: [80, 90, 40], theirs: [100, 100, 100], with: 'raw' } as const;

describe('a figure', () => {
  it('is judged by the median of the ratios', () => {
    assert.deepEqual(ratio({ ...compared, target: { atLeast: 0.8 } }), {
      ...{ what: 'append', ours: '80.0/s', comparedWith: 'raw: 100/s' },
      ...{ result: '**0.80**× (0.40 to 0.90)', target: '≥ 0.8×', met: 'yes' },
    });
    assert.equal(ratio({ ...compared, target: { atLeast: 0.81 } }).met, 'missed');
  });

  it('is judged by how much it is above the other where that is the target', () => {
    const figure = { ...compared, unit: 'ms', ours: [60, 61, 90], theirs: [10, 10, 10] } as const;
    assert.equal(excess({ ...figure, target: { atMost: 51 } }).met, 'yes');
    assert.equal(excess({ ...figure, target: { atMost: 50 } }).met, 'missed');
  });

  it('is judged by itself where it is compared with nothing', () => {
    const figure = { what: 'health', unit: 'ms', ours: [0.5, 2, 1] } as const;
    assert.deepEqual(amount({ ...figure, target: { atMost: 1 } }), {
      ...{ what: 'health', ours: '1.00 ms', comparedWith: '' },
      ...{ result: '**1.00** ms (0.50 to 2.00)', target: '≤ 1 ms', met: 'yes' },
    });
    assert.equal(amount({ ...figure, target: { atMost: 0.9 } }).met, 'missed');
  });

  it('meets no target when it could not be measured', () => {
    const figure = { what: 'health', unit: 'ms', ours: [Number.NaN] } as const;
    assert.equal(amount({ ...figure, target: { atMost: 1 } }).met, 'missed');
    assert.equal(amount({ ...figure, target: { atLeast: 1 } }).met, 'missed');
  });

  it('says nothing of targets where there is none', () => {
    assert.deepEqual([ratio(compared).target, ratio(compared).met], ['', '']);
  });

  it('is one line of one table', () => {
    const [, , line, ...more] = tableOf([ratio({ ...compared, target: { atLeast: 0.9 } })]).split('\n');
    assert.equal(line, '| append | 80.0/s | raw: 100/s | **0.80**× (0.40 to 0.90) | ≥ 0.9× | **missed** |');
    assert.deepEqual(more, []);
  });
});

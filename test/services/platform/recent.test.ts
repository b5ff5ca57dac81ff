import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recent } from '#platform/recent.ts';

describe('what was set lately', () => {
  it('is remembered up to a number, and what was set longest ago goes first', () => {
    const kept = recent<string, number>(2);
    kept.set('a', 1);
    kept.set('b', 2);
    kept.set('a', 3);
    kept.set('c', 4);
    assert.deepEqual([kept.get('a'), kept.get('b'), kept.get('c')], [3, undefined, 4]);
  });

  it('can be forgotten at once', () => {
    const kept = recent<string, number>(2);
    kept.set('a', 1);
    kept.delete('a');
    assert.equal(kept.get('a'), undefined);
  });
});

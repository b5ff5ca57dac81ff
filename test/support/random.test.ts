import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomFrom } from './random.ts';

const draw = (seed: number, name: string) => Array.from({ length: 1_000 }, randomFrom(seed, name).next);

describe('chance from a seed', () => {
  it('is the same for the same seed and name, and another for another', () => {
    assert.deepEqual(draw(7, 'a'), draw(7, 'a'));
    assert.notDeepEqual(draw(7, 'a'), draw(8, 'a'));
    assert.notDeepEqual(draw(7, 'a'), draw(7, 'b'));
  });

  it('spreads over the whole range and stays within it', () => {
    const numbers = draw(1, 'spread');
    assert.ok(numbers.every((number) => number >= 0 && number < 1));
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const within = numbers.filter((number) => Math.floor(number * 10) === tenth).length;
      assert.ok(within > 50 && within < 150, `${within} of 1000 in the tenth number ${tenth}`);
    }
  });

  it('chooses every one of the choices', () => {
    const { oneOf } = randomFrom(3);
    assert.deepEqual(new Set(Array.from({ length: 100 }, () => oneOf(['a', 'b', 'c']))), new Set(['a', 'b', 'c']));
  });
});

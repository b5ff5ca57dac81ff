/** Waiting between tries. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fullJitter, pause } from '#platform/backoff.ts';

describe('full jitter', () => {
  it('is anything from 0 to a bound that doubles with every try, and never more than the cap', () =>
    fc.assert(
      fc.property(
        fc.nat(2_000),
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 60_000 }),
        (tries, base, cap) => {
          const wait = fullJitter(tries, base, cap);
          assert.ok(wait >= 0 && wait <= Math.min(cap, base * 2 ** tries), `${wait} ms`);
        },
      ),
    ));

  it('spreads those who failed together over the whole of it', () => {
    const waits = Array.from({ length: 1_000 }, () => fullJitter(3, 100, 10_000));
    for (const [low, high] of [
      [0, 200],
      [200, 400],
      [400, 600],
      [600, 800],
    ] as const)
      assert.ok(waits.filter((wait) => wait >= low && wait < high).length > 100);
  });
});

describe('a pause', () => {
  it('ends at once when it is aborted, before or while it lasts, and does not reject', async () => {
    const stop = new AbortController();
    const pausing = pause(2 ** 30, stop.signal);
    stop.abort();
    await pausing;
    await pause(2 ** 30, stop.signal);
  });
});

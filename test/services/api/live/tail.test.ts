import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createBell, createTail } from '../../../../services/api/live/tail.ts';

const entry = (value: number, bytes = 1) => ({ value, bytes });

describe('a tail', () => {
  it('gives from a number on exactly what follows, or nothing where it lacks the beginning', () =>
    fc.assert(
      fc.property(fc.nat(50), fc.nat(600), fc.nat(700), (first, count, from) => {
        const tail = createTail<number>(first);
        for (let n = first + 1; n <= first + count; n += 1) tail.push(n, entry(n));
        assert.equal(tail.last(), first + count);
        const given = tail.from(from);
        if (given === undefined) {
          assert.ok(from > tail.last() || from <= tail.last() - Math.min(count, 512), `${from} of ${tail.last()}`);
        } else {
          assert.deepEqual(
            given,
            Array.from({ length: tail.last() - from + 1 }, (_, index) => from + index),
          );
        }
      }),
    ));

  it('ignores what it was told already, and has no holes after one', () => {
    const tail = createTail<number>();
    for (const n of [1, 2, 2, 1, 3]) tail.push(n, entry(n));
    assert.deepEqual(tail.from(1), [1, 2, 3]);
    for (const n of [7, 8]) tail.push(n, entry(n));
    assert.deepEqual(tail.from(7), [7, 8]);
    assert.equal(tail.from(3), undefined);
    tail.push(9);
    assert.deepEqual([tail.last(), tail.from(9), tail.from(8)], [9, undefined, undefined]);
    tail.push(10, entry(10));
    assert.deepEqual(tail.from(10), [10]);
  });

  it('keeps no more bytes than it may, but always the newest', () => {
    const tail = createTail<number>();
    for (let n = 1; n <= 10; n += 1) tail.push(n, entry(n, 300_000));
    assert.deepEqual([tail.from(8), tail.from(7)], [[8, 9, 10], undefined]);
    tail.push(11, entry(11, 5_000_000));
    assert.deepEqual([tail.from(11), tail.from(10)], [[11], undefined]);
  });
});

describe('a bell', () => {
  it('ends a wait when what is waited for has come, and not before', async () => {
    const bell = createBell();
    let come = false;
    let over = false;
    const waiting = bell.until(() => come, new AbortController().signal).then(() => (over = true));
    bell.ring();
    await Promise.resolve();
    assert.equal(over, false);
    come = true;
    bell.ring();
    await waiting;
  });

  it('ends a wait for what has come already, and one that is given up', async () => {
    const bell = createBell();
    await bell.until(() => true, new AbortController().signal);
    const given = new AbortController();
    const waiting = bell.until(() => false, given.signal);
    given.abort();
    await waiting;
    await bell.until(() => false, given.signal);
  });
});

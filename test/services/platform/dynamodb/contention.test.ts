import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untilCalm } from '#platform/dynamodb/contention.ts';

test('contention is waited out, and what came of it is the answer', async () => {
  let tries = 0;
  const answer = await untilCalm('append', async () => {
    tries += 1;
    return tries < 3 ? { contended: new Error('in the way') } : { done: tries };
  });
  assert.equal(answer, 3);
});

test('contention that does not end is a fault that says what was in the way', async () => {
  const inTheWay = new Error('in the way');
  const waiting = untilCalm('append to x', async () => ({ contended: inTheWay }), 5);
  await assert.rejects(waiting, (fault: Error) => {
    assert.match(fault.message, /append to x: no end of contention in 5 tries/);
    assert.equal(fault.cause, inTheWay);
    return true;
  });
});

test('contention is waited out for ten seconds at most, however slow each try is', async (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  let tries = 0;
  const slow = async () => {
    tries += 1;
    now += 4_000;
    return { contended: new Error('in the way') };
  };
  await assert.rejects(untilCalm('append', slow), /no end of contention/);
  assert.equal(tries, 3);
});

test('a fault that is no contention is not tried again', async () => {
  let tries = 0;
  const attempt = async () => {
    tries += 1;
    throw new Error('another fault');
  };
  await assert.rejects(untilCalm('append', attempt), /another fault/);
  assert.equal(tries, 1);
});

/** The ids that everything is named by. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { TaskId, timeOf } from '#events/ids.ts';
import { uuidv7 } from '#platform/uuid.ts';

it('an id is of version 7, and tells when it was made', () =>
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 48 - 1 }), (nowMs) => assert.equal(timeOf(TaskId.parse(uuidv7(nowMs))), nowMs)),
  ));

it('ids sort by the time they were made, and no two of one time are alike', () => {
  const times = [0, 1, 0xffff, 0x1_0000, Date.UTC(2026, 0, 1), 2 ** 48 - 1];
  const ids = times.map(uuidv7);
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(Array.from({ length: 1_000 }, () => uuidv7(1))).size, 1_000);
});

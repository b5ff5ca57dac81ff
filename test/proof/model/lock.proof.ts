import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byEffort, printCounts } from '../effort.ts';
import { locking, wrongs } from './lock.ts';
import type { Design, Wrong } from './lock.ts';
import { explore } from './search.ts';
import { countsOf } from './told.ts';

const bounds = byEffort({
  ci: { clocksAhead: [0, 2], rounds: 1, misfortunes: 1 },
  full: { clocksAhead: [0, 2], rounds: 1, misfortunes: 2 },
});
const search = (design: Design, watches: readonly Wrong[] = wrongs) => explore(locking({ ...bounds, design, watches }));

it('a write guarded by the row of the lock is never stale, and everybody gets the lock in the end', (t) => {
  const explored = search('guard');
  printCounts(t, countsOf(explored));
  assert.equal(explored.failure, undefined);
  assert.ok(explored.owedAtMost < Number.POSITIVE_INFINITY);
});

/** The weaker designs and what befalls them; a design in which looking and writing are one step is blind to it. */
const befalls: Record<Exclude<Design, 'guard'>, readonly Wrong[]> = {
  bare: wrongs,
  lease: ['a stale write', 'a write out of order'],
  token: ['a stale write'],
  instant: [],
};
for (const design of ['bare', 'lease', 'token', 'instant'] as const) {
  describe(`the design "${design}"`, () => {
    const expected = befalls[design];
    for (const wrong of expected) {
      it(`leads to ${wrong}`, (t) => {
        const { failure } = search(design, [wrong]);
        assert.equal(failure?.what, wrong);
        t.diagnostic(failure.trace.join('\n'));
      });
    }
    it(`does not lead to ${expected.length === 0 ? 'anything wrong' : 'anything else'}`, (t) => {
      const others = wrongs.filter((wrong) => !expected.includes(wrong));
      const explored = search(design, others);
      printCounts(t, countsOf(explored));
      assert.equal(explored.failure, undefined);
    });
  });
}

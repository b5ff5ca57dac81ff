import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byEffort, printCounts } from '../effort.ts';
import { protocol } from './protocol.ts';
import { explore } from './search.ts';
import { asBuilt } from './state.ts';
import type { Bounds, Rules } from './state.ts';
import { countsOf } from './told.ts';

const small: Bounds = {
  ...{ tasks: 1, workers: 2, reconcilers: 1, attemptsMax: 2 },
  ...{ misfortunes: 1, cancels: 0, reports: false },
};
const two: Bounds = { ...small, tasks: 2 };

describe('in every state that can be reached, every promise is kept, and the end is never out of reach', () => {
  const worlds: Record<string, Bounds> = {
    'two tasks, one misfortune at any step': two,
    'one task that reports and may be cancelled, one misfortune at any step': { ...small, cancels: 1, reports: true },
    'one task, two misfortunes at any two steps': { ...small, misfortunes: 2 },
    ...byEffort<Record<string, Bounds>>({
      ci: {},
      full: {
        'one task, three workers, two misfortunes': { ...small, workers: 3, misfortunes: 2 },
        'one task that may be cancelled, two misfortunes': { ...small, cancels: 1, misfortunes: 2 },
        'one task that reports, two misfortunes': { ...small, reports: true, misfortunes: 2 },
        'one task, two reconcilers, two misfortunes': { ...small, reconcilers: 2, misfortunes: 2 },
        'one task, three misfortunes': { ...small, misfortunes: 3 },
      },
    }),
  };
  for (const [name, bounds] of Object.entries(worlds)) {
    it(name, (t) => {
      const explored = explore(protocol({ bounds, rules: asBuilt }));
      printCounts(t, countsOf(explored));
      assert.equal(explored.failure, undefined);
      // No fairness is needed but that what is owed happens: however it is ordered, it leads to the end.
      assert.ok(explored.owedAtMost < Number.POSITIVE_INFINITY);
    });
  }
});

/** Each rule broken alone, and what comes of it. */
const planted: [string, Partial<Rules>, Bounds, string][] = [
  ['no condition on the version', { checksVersion: false }, small, 'versions are not dense'],
  ['no condition on the position', { checksPosition: false }, two, 'positions of the log are not dense'],
  ['an attempt that is not named', { namesAttempt: false }, small, 'TaskCompleted by a worker whose attempt is over'],
  [
    'an acknowledgement before the write',
    { acknowledges: 'before the write' },
    small,
    'an acknowledged task is not in the store',
  ],
  [
    'another try without reading back',
    { readsBack: false },
    small,
    'a task is in the store whose client was told that it was refused',
  ],
  ['no reconciler', { reconciles: false }, small, 'from here the end is out of reach'],
];

describe('the model notices', () => {
  for (const [name, broken, bounds, what] of planted) {
    it(name, (t) => {
      const { failure } = explore(protocol({ bounds, rules: { ...asBuilt, ...broken } }));
      assert.equal(failure?.what, what);
      t.diagnostic(failure.trace.join('\n'));
    });
  }
});

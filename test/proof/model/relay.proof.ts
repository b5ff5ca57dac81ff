import assert from 'node:assert/strict';
import { it } from 'node:test';
import { byEffort, printCounts } from '../effort.ts';
import { relay } from './relay.ts';
import type { RelayWorld } from './relay.ts';
import { explore } from './search.ts';
import { countsOf } from './told.ts';

const world: RelayWorld = {
  commits: byEffort({ ci: 4, full: 6 }),
  projectors: byEffort({ ci: 2, full: 3 }),
  misfortunes: byEffort({ ci: 3, full: 4 }),
  remembers: 'after publishing',
};

it('everything stored is announced, and nothing is remembered before, however projectors die or pause', (t) => {
  const explored = explore(relay(world));
  printCounts(t, countsOf(explored));
  assert.equal(explored.failure, undefined);
  assert.ok(explored.owedAtMost < Number.POSITIVE_INFINITY);
});

it('is caught when it remembers before it publishes', (t) => {
  const { failure } = explore(relay({ ...world, remembers: 'before publishing' }));
  assert.equal(failure?.what, 'position 1 is remembered, and 1 was never published');
  t.diagnostic(failure.trace.join('\n'));
});

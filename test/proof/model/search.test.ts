import assert from 'node:assert/strict';
import { it } from 'node:test';
import { explore, keys } from './search.ts';
import type { Model, Step } from './search.ts';

type Jugs = { readonly small: number; readonly large: number };

/** Two jugs of 3 and 5 litres: every state is known, and so is the shortest way to 4 litres. */
const jugs = (wanted: number): Model<Jugs> => ({
  initial: { small: 0, large: 0 },
  steps: function* ({ small, large }): Iterable<Step<Jugs>> {
    const over = Math.min(small, 5 - large);
    const back = Math.min(large, 3 - small);
    yield { name: 'fill small', next: { small: 3, large }, owed: true };
    yield { name: 'fill large', next: { small, large: 5 }, owed: true };
    yield { name: 'empty small', next: { small: 0, large }, owed: true };
    yield { name: 'empty large', next: { small, large: 0 }, owed: true };
    yield { name: 'pour small into large', next: { small: small - over, large: large + over }, owed: true };
    yield { name: 'pour large into small', next: { small: small + back, large: large - back }, owed: true };
  },
  broken: ({ large }) => (large === wanted ? `${wanted} litres` : undefined),
  done: ({ small, large }) => small === 3 && large === 5,
});

/** A walk over named places; steps in brackets are not owed. */
const walk = (ways: Record<string, string>, end = 'end'): Model<{ readonly at: string }> => ({
  initial: { at: 'start' },
  steps: function* ({ at }) {
    for (const way of (ways[at] ?? '').split(' ').filter(Boolean)) {
      const place = way.replace(/[()]/g, '');
      yield { name: `to ${place}`, next: { at: place }, owed: place === way };
    }
  },
  broken: () => undefined,
  done: ({ at }) => at === end,
});

it('finds every state and no other', () => {
  const { states, transitions, failure } = explore(jugs(6));
  assert.deepEqual({ states, transitions, failure }, { states: 16, transitions: 96, failure: undefined });
});

it('shows a shortest way to a broken promise', () => {
  assert.deepEqual(explore(jugs(4)).failure, {
    what: '4 litres',
    trace: [
      '1. fill large',
      '2. pour large into small',
      '3. empty small',
      '4. pour large into small',
      '5. fill large',
      '6. pour large into small',
    ],
  });
});

it('shows the way to a state that owed steps never lead out of, alone or in a circle', () => {
  const never = 'from here the end is out of reach';
  assert.deepEqual(explore(walk({ start: 'end (pit)' })).failure, { what: never, trace: ['1. to pit'] });
  assert.deepEqual(explore(walk({ start: 'end a', a: 'b', b: 'a' })).failure, { what: never, trace: ['1. to a'] });
  assert.deepEqual(explore(walk({ start: 'a', a: '(end)' })).failure, { what: never, trace: [] });
});

it('counts how many owed steps there are before the end, and says when they can go round for ever', () => {
  assert.equal(explore(walk({ start: 'end a', a: 'b end', b: 'end' })).owedAtMost, 3);
  assert.equal(explore(walk({ start: 'end a', a: 'b end', b: 'end (a)' })).owedAtMost, 3);
  assert.equal(explore(walk({ start: 'end a', a: 'b end', b: 'a' })).owedAtMost, Number.POSITIVE_INFINITY);
});

it('gives up rather than leave states out', () => {
  assert.throws(() => explore(jugs(6), 15), /more than 15 states/);
});

it('takes values for equal by their content, however deep, and no others', () => {
  const keyOf = keys();
  const shared = { b: [1, '1'] };
  assert.equal(keyOf({ a: shared }), keyOf({ a: { b: [1, '1'] } }));
  const others = [
    { a: { b: [1, 1] } },
    { a: { b: ['1', '1'] } },
    { a: { b: [1, '1', undefined] } },
    { a: shared, c: undefined },
  ];
  const different = [{ a: shared }, ...others].map(keyOf);
  assert.equal(new Set(different).size, different.length);
});

/** Event patterns match as EventBridge's documentation says (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EventPattern } from '#platform/eventbridge/routing.ts';
import { matches } from '../../../../services/local/aws-json/pattern.ts';

const event = {
  source: 'kiro-dispatch',
  'detail-type': 'TaskSubmitted',
  detail: {
    priority: 'high',
    attempt: 2,
    repeated: false,
    note: null,
    tags: ['red', 'blue'],
    none: [],
    steps: [
      { name: 'build', ok: true },
      { name: 'test', ok: false },
    ],
    nested: { deep: { word: 'Word' } },
  },
};

type Row = readonly [sentence: string, detail: object, expected: boolean];

const rows: readonly Row[] = [
  ['an equal string matches', { priority: ['high'] }, true],
  ['strings differ by case', { priority: ['High'] }, false],
  ['one of several alternatives is enough', { priority: ['low', 'high'] }, true],
  ['every field named must match', { priority: ['high'], attempt: [3] }, false],
  ['a number is not the string that looks like it', { attempt: ['2'] }, false],
  ['a number matches by value', { attempt: [2.0] }, true],
  ['a boolean matches itself only', { repeated: [false] }, true],
  ['null matches null', { note: [null] }, true],
  ['null does not match a missing field', { missing: [null] }, false],
  ['an array matches by any of its elements', { tags: ['blue', 'green'] }, true],
  ['an array without a common element does not match', { tags: ['green'] }, false],
  ['a nested object matches by its fields', { nested: { deep: { word: ['Word'] } } }, true],
  ['an array of objects matches when one object has it all', { steps: { name: ['test'], ok: [false] } }, true],
  ['fields of two objects in an array are not put together', { steps: { name: ['test'], ok: [true] } }, false],
  ['prefix matches a beginning', { priority: [{ prefix: 'hi' }] }, true],
  ['prefix does not match in the middle', { priority: [{ prefix: 'ig' }] }, false],
  ['prefix does not match a number', { attempt: [{ prefix: '2' }] }, false],
  ['suffix matches an end', { priority: [{ suffix: 'gh' }] }, true],
  ['suffix does not match a beginning', { priority: [{ suffix: 'hi' }] }, false],
  ['equals-ignore-case ignores case', { nested: { deep: { word: [{ 'equals-ignore-case': 'wORD' }] } } }, true],
  ['equals-ignore-case wants the whole value', { priority: [{ 'equals-ignore-case': 'HIG' }] }, false],
  ['exists: true matches a value', { priority: [{ exists: true }] }, true],
  ['exists: true matches null', { note: [{ exists: true }] }, true],
  ['exists: true does not match an object', { nested: [{ exists: true }] }, false],
  ['exists: true does not match an empty array', { none: [{ exists: true }] }, false],
  ['exists: false matches a missing field', { missing: [{ exists: false }] }, true],
  ['exists: false matches inside a missing object', { gone: { word: [{ exists: false }] } }, true],
  ['exists: false does not match a value', { priority: [{ exists: false }] }, false],
  ['anything-but matches another value', { priority: [{ 'anything-but': 'low' }] }, true],
  ['anything-but does not match the value', { priority: [{ 'anything-but': 'high' }] }, false],
  ['anything-but does not match any of a list', { attempt: [{ 'anything-but': [1, 2] }] }, false],
  ['anything-but does not match a missing field', { missing: [{ 'anything-but': 'x' }] }, false],
  ['anything-but takes a prefix', { priority: [{ 'anything-but': { prefix: 'hi' } }] }, false],
  ['anything-but takes a suffix', { priority: [{ 'anything-but': { suffix: 'low' } }] }, true],
  ['numeric compares', { attempt: [{ numeric: ['>', 1] }] }, true],
  ['numeric has equality', { attempt: [{ numeric: ['=', 3] }] }, false],
  ['numeric has ranges whose ends count or not', { attempt: [{ numeric: ['>', 0, '<', 2] }] }, false],
  ['numeric has ranges with closed ends', { attempt: [{ numeric: ['>=', 2, '<=', 2] }] }, true],
  ['numeric does not match a string', { priority: [{ numeric: ['>', 0] }] }, false],
  ['matchers of different kinds are alternatives', { attempt: ['x', { prefix: 'y' }, { numeric: ['<', 3] }] }, true],
];

describe('an event pattern', () => {
  for (const [sentence, detail, expected] of rows) {
    it(sentence, () => assert.equal(matches(EventPattern.parse({ detail }), event), expected));
  }

  for (const [sentence, pattern] of [
    ['without fields', {}],
    ['without alternatives', { source: [] }],
    ['with a bare value', { source: 'kiro-dispatch' }],
    ['with a matcher that EventBridge does not have', { source: [{ like: 'k%' }] }],
    ['with half a range', { detail: { attempt: [{ numeric: ['>', 0, '<'] }] } }],
    ['with a range that runs the wrong way', { detail: { attempt: [{ numeric: ['<', 0, '>', 1] }] } }],
  ] as const) {
    it(`is refused ${sentence}`, () => assert.equal(EventPattern.safeParse(pattern).success, false));
  }
});

const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
const fields = fc.dictionary(fc.string({ minLength: 1 }), leaf, { minKeys: 1 });

describe('for any flat event, a pattern', () => {
  it('made of its own values matches it, whatever else the event holds', () =>
    fc.assert(
      fc.property(fields, fields, (named, more) => {
        const pattern = Object.fromEntries(Object.entries(named).map(([field, value]) => [field, [value]]));
        assert.ok(matches(pattern, { ...more, ...named }));
      }),
    ));

  it('matches a value or anything but that value, and never both', () =>
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), fc.string(), (field, value, wanted) => {
        const is = matches({ [field]: [wanted] }, { [field]: value });
        const isNot = matches({ [field]: [{ 'anything-but': wanted }] }, { [field]: value });
        assert.notEqual(is, isNot);
      }),
    ));

  it('matches more with every alternative and less with every field', () =>
    fc.assert(
      fc.property(fields, fields, leaf, (wanted, seen, other) => {
        const strict = Object.fromEntries(Object.entries(wanted).map(([field, value]) => [field, [value]]));
        const loose = Object.fromEntries(Object.entries(strict).map(([field, values]) => [field, [...values, other]]));
        const [first = ''] = Object.keys(wanted);
        const narrow = { [first]: strict[first] ?? [] };
        if (matches(strict, seen)) assert.ok(matches(loose, seen) && matches(narrow, seen));
      }),
    ));
});

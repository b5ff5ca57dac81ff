/** Values made from a schema: those it takes, and those beside its limits. What a value is, the schema says afterwards, not its maker. */
import fc from 'fast-check';
import { isTaken } from './document.ts';
import type { Schema } from './document.ts';

/** Stands in a request for something that exists when it is sent: `⟦taskId 3⟧`. */
export const link = (name: string, pick = 0): string => `⟦${name} ${pick}⟧`;
export const linkForm = /⟦(\w+) (\d+)⟧/g;
const someUuid = '01999999-0000-7000-8000-000000000000';

/** The same with something of the right form in the place of every link. */
export const unlinked = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll(linkForm, someUuid));

/** Names that a careless merge takes for something else. */
export const trapNames = ['__proto__', 'constructor', 'prototype', 'toString', 'unknown', ''];

const wholeMax = 2 ** 53 - 1;

const isPlainPattern = (pattern: string): boolean => !pattern.includes('(?!') && !pattern.includes('(?=');

const strings = ({ enum: names, format, pattern, minLength = 0, maxLength = 60, example }: Schema) => {
  if (names) return fc.constantFrom(...names);
  if (format === 'uuid') return fc.uuid({ version: 7 });
  const shown = typeof example === 'string' ? [fc.constant(example)] : [];
  const free = { minLength, maxLength: Math.min(maxLength, 60) };
  if (pattern === undefined) return fc.oneof(...shown, fc.string({ unit: 'grapheme', ...free }), fc.string(free));
  if (isPlainPattern(pattern)) return fc.oneof(...shown, fc.stringMatching(new RegExp(pattern)));
  return fc.oneof(...shown, fc.stringMatching(/^[a-z0-9/._+-]{1,20}$/));
};

const numbers = (schema: Schema): fc.Arbitrary<number> => {
  const { type, minimum = -wholeMax, maximum = wholeMax, exclusiveMinimum: above } = schema;
  if (type === 'integer') return fc.integer({ min: Math.max(minimum, (above ?? minimum - 1) + 1), max: maximum });
  return fc.double({ min: above ?? minimum, max: maximum, minExcluded: above !== undefined, noNaN: true });
};

const isTrapped = (value: unknown): boolean => {
  const text = JSON.stringify(value);
  return trapNames.some((name) => text.includes(`${JSON.stringify(name)}:`));
};
/** Any object in which no name, however deep, means something to the language. */
const anyObject = fc
  .dictionary(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 3 }))
  .filter((value) => !isTrapped(value));

const made = (schema: Schema): fc.Arbitrary<unknown> => {
  const { type, items = {} } = schema;
  if (type === 'string') return strings(schema);
  if (type === 'integer' || type === 'number') return numbers(schema);
  if (type === 'boolean') return fc.boolean();
  if (type === 'array') return fc.array(positive(items), { maxLength: 5 });
  return type === 'object' ? objects(schema) : fc.jsonValue();
};

/** A value that the schema takes; strings that must name something that exists are links. */
export const positive = (schema: Schema): fc.Arbitrary<unknown> =>
  made(schema).filter((value) => isTaken(schema, unlinked(value)));

const objects = ({ properties, required = [] }: Schema): fc.Arbitrary<object> => {
  if (!properties) return anyObject;
  const fields = Object.entries(properties).map(([name, field]): [string, fc.Arbitrary<unknown>] => [
    name,
    name === 'sessionId' ? fc.nat(5).map((pick) => link(name, pick)) : positive(field),
  ]);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [...required] });
};

/** Of versions 4, nil and max, and one written otherwise. */
const otherUuids = [
  ...['1b4e28ba-2fa1-41d2-883f-0016d3cca427', '00000000-0000-0000-0000-000000000000'],
  ...['ffffffff-ffff-ffff-ffff-ffffffffffff', `{${someUuid}}`, `urn:uuid:${someUuid}`, someUuid.replaceAll('-', '')],
];

/** At each limit of the schema, and next to it on both sides. */
export const boundaries = (schema: Schema): readonly (string | number)[] => {
  const { minLength, maxLength, minimum, maximum, exclusiveMinimum, enum: names, format } = schema;
  const around = (limit: number | undefined): number[] => (limit === undefined ? [] : [limit - 1, limit, limit + 1]);
  const lengths = [...around(minLength), ...around(maxLength)].filter((length) => length >= 0);
  return [
    ...lengths.flatMap((length) => ['a', '😀'].map((character) => character.repeat(length))),
    ...[...around(minimum), ...around(maximum), ...around(exclusiveMinimum)],
    ...(exclusiveMinimum === undefined ? [] : [exclusiveMinimum + Number.MIN_VALUE]),
    ...(names ?? []).flatMap((name) => [name.toUpperCase(), `${name} `]),
    ...(format === 'uuid' ? otherUuids : []),
  ];
};

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

export const hostile: readonly unknown[] = [
  ...[null, true, false, 0, -0.5, 1e308, -1e308, 2 ** 53, 5e-324, '', ' ', '\t\n\u2003', 'x', '1', 'true', 'null'],
  ...[
    '\u0000',
    'a\u0000b',
    '\ud800',
    'a\udc00b',
    '\ufeff',
    '\u202e',
    "'; --",
    '${x}',
    '../..',
    '-x',
    'x'.repeat(5_000),
  ],
  ...[[], [null], ['x'], {}, { a: 1 }, nested(100), nested(1_000)],
  ...trapNames.map((name) => Object.fromEntries([[name, { polluted: true }]])),
];

/** `why` is told only of the one that is chosen: some of them are megabytes. */
export type Mutation = { readonly why: () => string; readonly value: unknown };

/** Every way to change one place of a value: each field left out, at its limits, of another kind; and fields that nobody asked for. */
export const mutations = (schema: Schema, value: unknown): readonly Mutation[] => {
  const whole = [...boundaries(schema), ...hostile].map((other) => ({ why: () => `is ${brief(other)}`, value: other }));
  if (schema.type !== 'object' || typeof value !== 'object' || value === null) return whole;
  const fields = Object.entries(value);
  const having = (name: string, inner: unknown): object =>
    Object.fromEntries([...fields.filter(([each]) => each !== name), [name, inner]]);
  const inside = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    mutations(field, Object.fromEntries(fields)[name]).map(({ why, value: inner }) => ({
      why: () => `${name} ${why()}`,
      value: having(name, inner),
    })),
  );
  const without = fields.map(([gone]) => ({
    why: () => `without ${gone}`,
    value: Object.fromEntries(fields.filter(([name]) => name !== gone)),
  }));
  const extra = trapNames.map((name) => ({
    why: () => `with a field '${name}'`,
    value: having(name, { polluted: true }),
  }));
  return [...whole, ...inside, ...without, ...extra];
};

export const brief = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 37)}… (${text.length})` : text;
};

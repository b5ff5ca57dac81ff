/** What an agent may write: recorded lines as they are, with one place changed, cut, mixed, and anything else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { z } from 'zod';
import { hostile, trapNames } from './values.ts';

const fixtures = join(import.meta.dirname, '../../services/platform/agent/fixtures');
const Fields = z.record(z.string(), z.unknown());
const Step = z.looseObject({ say: z.unknown().optional(), noise: z.string().optional() });

/** The messages of the recorded sessions. */
const recorded = ['kiro-v2.jsonl', 'kiro-v3.jsonl', 'stream-json.jsonl', 'stream-json-error.jsonl'].flatMap((name) =>
  readFileSync(join(fixtures, name), 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => Step.parse(JSON.parse(line)).say ?? []),
);

/** Recorded sessions have their own names; a turn hears only its own. */
export const conversation = 's';
const named = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(named);
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === 'sessionId' ? conversation : named(inner)]),
  );
};

const sizeOf = (value: unknown): number =>
  typeof value !== 'object' || value === null
    ? 1
    : 1 + Object.values(value).reduce((sum: number, inner) => sum + sizeOf(inner), 0);

/** Another value in the place of the nth. */
const replaced = (value: unknown, nth: number, other: unknown): unknown => {
  if (nth === 0) return other;
  if (typeof value !== 'object' || value === null) return value;
  let left = nth - 1;
  const entries = Object.entries(value).map(([name, inner]: [string, unknown]): [string, unknown] => {
    const size = sizeOf(inner);
    const isHere = left >= 0 && left < size;
    const at = left;
    left -= size;
    return [name, isHere ? replaced(inner, at, other) : inner];
  });
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
};

const others: readonly unknown[] = [
  ...hostile,
  ...['x'.repeat(100_000), '\u0001'.repeat(20_000), '\ud800'.repeat(1_000), '😀'.repeat(10_000), '\u001b]0;x\u0007'],
  ...['agent_message_chunk', 'tool_call', 'plan', 'completed', 'session/update', '_kiro.dev/metadata'],
  Array.from({ length: 2_000 }, () => ({ content: 'x', status: 'pending', path: 'y' })),
  Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`path${n}`, 'x'])),
];

const updates = recorded.filter((said) => JSON.stringify(said).includes('"update":'));
const message = fc.oneof(fc.constantFrom(...recorded), fc.constantFrom(...updates)).map(named);
const changed = fc.tuple(message, fc.nat(), fc.constantFrom(...others)).map(([said, nth, other]) => {
  return replaced(said, nth % sizeOf(said), other);
});
const extended = fc
  .tuple(message, fc.constantFrom(...trapNames), fc.constantFrom(...others))
  .map(([said, name, other]) => Object.fromEntries([...Object.entries(Fields.parse(said)), [name, other]]));
const text = (value: fc.Arbitrary<unknown>): fc.Arbitrary<string> => value.map((said) => JSON.stringify(said));

/** Bytes flipped, left out or doubled. */
const damaged = fc
  .tuple(text(message), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }))
  .map(([line, places]) => {
    const bytes = Buffer.from(line);
    for (const [at, byte] of places) bytes[at % bytes.length] = byte;
    return bytes;
  });

const whole = fc
  .oneof(
    { arbitrary: text(message), weight: 2 },
    { arbitrary: text(changed), weight: 6 },
    { arbitrary: text(extended), weight: 1 },
    { arbitrary: fc.string({ unit: 'binary' }), weight: 1 },
    {
      arbitrary: fc.constantFrom('{"a":'.repeat(20_000), `{"params":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
      weight: 1,
    },
  )
  .map((line) => Buffer.from(line));
const random = fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes));

export const lines: fc.Arbitrary<Buffer[]> = fc.array(fc.oneof({ arbitrary: whole, weight: 10 }, damaged, random), {
  maxLength: 30,
  size: '+1',
});

/** The lines as a pipe hands them on: in pieces that end anywhere. */
export const inPieces = (said: readonly Buffer[], size: number): Buffer[] => {
  const all = Buffer.concat(said.flatMap((line) => [line, Buffer.from('\n')]));
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.subarray(n * size, (n + 1) * size));
};

/** Does an event match a pattern? EventBridge's rules, so that what is routed here is routed on AWS as well. */
import type { EventPattern, Matcher } from '#platform/eventbridge/routing.ts';

type Leaf = string | number | boolean | null;
type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The plain values at a field: an array stands for each of its elements; an object and an empty array have none. */
const leavesOf = (value: unknown): readonly Leaf[] => {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return [value];
  }
  return Array.isArray(value) ? value.flatMap(leavesOf) : [];
};

/** What a nested pattern is compared with. A missing object counts as an empty one: only `exists: false` matches in it. */
const objectsAt = (value: unknown): readonly Fields[] => {
  const objects = (Array.isArray(value) ? value : [value]).filter(isFields);
  return objects.length > 0 ? objects : [{}];
};

const compare = {
  '=': (a: number, b: number) => a === b,
  '>': (a: number, b: number) => a > b,
  '>=': (a: number, b: number) => a >= b,
  '<': (a: number, b: number) => a < b,
  '<=': (a: number, b: number) => a <= b,
} as const;

type AnythingBut = Extract<Matcher, { 'anything-but': unknown }>['anything-but'];

const isBut = (leaf: Leaf, but: AnythingBut): boolean => {
  if (Array.isArray(but)) return but.some((one) => one === leaf);
  if (typeof but !== 'object') return but === leaf;
  return typeof leaf === 'string' && ('prefix' in but ? leaf.startsWith(but.prefix) : leaf.endsWith(but.suffix));
};

const leafMatches = (leaf: Leaf, matcher: Exclude<Matcher, Leaf | { exists: boolean }>): boolean => {
  if ('anything-but' in matcher) return !isBut(leaf, matcher['anything-but']);
  if ('numeric' in matcher) {
    if (typeof leaf !== 'number') return false;
    const { numeric } = matcher;
    return compare[numeric[0]](leaf, numeric[1]) && (numeric.length === 2 || compare[numeric[2]](leaf, numeric[3]));
  }
  if (typeof leaf !== 'string') return false;
  if ('prefix' in matcher) return leaf.startsWith(matcher.prefix);
  if ('suffix' in matcher) return leaf.endsWith(matcher.suffix);
  return leaf.toLowerCase() === matcher['equals-ignore-case'].toLowerCase();
};

const fieldMatches = (leaves: readonly Leaf[], matcher: Matcher): boolean => {
  if (typeof matcher !== 'object' || matcher === null) return leaves.includes(matcher);
  if ('exists' in matcher) return leaves.length > 0 === matcher.exists;
  return leaves.some((leaf) => leafMatches(leaf, matcher));
};

const isAlternatives = (wanted: EventPattern[string]): wanted is readonly Matcher[] => Array.isArray(wanted);

export const matches = (pattern: EventPattern, event: Fields): boolean =>
  Object.entries(pattern).every(([field, wanted]) => {
    const value = event[field];
    return isAlternatives(wanted)
      ? wanted.some((matcher) => fieldMatches(leavesOf(value), matcher))
      : objectsAt(value).some((nested) => matches(wanted, nested));
  });

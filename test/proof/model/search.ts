/** Every state that a model can reach, breadth first, so that the first trace to a bad one is a shortest one. */
import { longestWayToDone, stuckIn } from './ends.ts';
import type { Graph } from './ends.ts';

export type Step<State> = {
  readonly name: string;
  readonly next: State;
  /** It happens sooner or later by itself. What is not owed is bad luck or somebody's wish: it may happen, and may not. */
  readonly owed: boolean;
};

/** States are plain values: two with the same content, in the same order of fields, are the same state. */
export type Model<State extends object> = {
  readonly initial: State;
  readonly steps: (state: State) => Iterable<Step<State>>;
  /** What must never be true, in words, when it is. */
  readonly broken: (state: State) => string | undefined;
  /** Whether all that was promised has come. */
  readonly done: (state: State) => boolean;
};

export type Explored = {
  readonly states: number;
  readonly transitions: number;
  /** Steps to the farthest state. */
  readonly depth: number;
  readonly seconds: number;
  /** Owed steps that can be taken one after another before all is done, at most; infinite where they go round in a circle. */
  readonly owedAtMost: number;
  /** The first state that breaks a promise, or from which owed steps never lead to the end; and how to get there. */
  readonly failure?: { readonly what: string; readonly trace: readonly string[] };
};

/**
 * The key of a plain value: equal ones have equal keys. Every part is replaced by the equal one that was seen first, so that
 * what a state shares with others is kept once and known at a glance (hash consing; Spin calls it collapse).
 */
export const keys = () => {
  const first = new Map<string, object>();
  const numbers = new Map<object, number>();

  const unify = (value: object): object => {
    if (numbers.has(value)) return value;
    const key = keyOf(value);
    const known = first.get(key);
    if (known) return known;
    first.set(key, value);
    numbers.set(value, numbers.size);
    return value;
  };
  const keyOf = (value: object): string => {
    let key = Array.isArray(value) ? '[' : '{';
    for (const name of Object.keys(value)) {
      const part: unknown = Reflect.get(value, name);
      if (typeof part === 'object' && part !== null) {
        const unified = unify(part);
        if (unified !== part) Reflect.set(value, name, unified);
        key += `${name}#${numbers.get(unified) ?? ''},`;
      } else key += `${name}:${typeof part === 'string' ? JSON.stringify(part) : String(part)},`;
    }
    return key;
  };
  return keyOf;
};

/** The way to a state: the name of every step, numbered. */
const traceTo = (state: number, cameFrom: readonly number[], cameBy: readonly string[]): string[] => {
  const names: string[] = [];
  for (let at = state; at > 0; at = cameFrom[at] ?? 0) names.push(cameBy[at] ?? '');
  return names.reverse().map((name, index) => `${index + 1}. ${name}`);
};

export const explore = <State extends object>(
  { initial, steps, broken, done }: Model<State>,
  statesMax = 10_000_000,
): Explored => {
  const startedAt = performance.now();
  const keyOf = keys();
  const found = new Map<string, number>();
  const names = new Map<string, string>();
  const cameFrom: number[] = [];
  const cameBy: string[] = [];
  const owed: Graph = { isDone: [], from: [], to: [] };
  let [transitions, depth] = [0, 0];

  const visit = (state: State, from: number, name: string, level: State[]): number => {
    const key = keyOf(state);
    const before = found.get(key);
    if (before !== undefined) return before;
    const number = found.size;
    if (number === statesMax) throw new Error(`more than ${statesMax} states`);
    found.set(key, number);
    if (!names.has(name)) names.set(name, name);
    cameFrom.push(from);
    cameBy.push(names.get(name) ?? name);
    owed.isDone.push(done(state));
    level.push(state);
    return number;
  };
  const explored = (what?: string, state = 0): Explored => ({
    ...{ states: found.size, transitions, depth, seconds: (performance.now() - startedAt) / 1_000 },
    owedAtMost: what === undefined ? longestWayToDone(owed) : Number.NaN,
    ...(what === undefined ? {} : { failure: { what, trace: traceTo(state, cameFrom, cameBy) } }),
  });

  let level: State[] = [];
  visit(initial, 0, '', level);
  for (let first = 0; level.length > 0; depth += 1) {
    const nextLevel: State[] = [];
    for (const [index, state] of level.entries()) {
      const from = first + index;
      const fault = broken(state);
      if (fault !== undefined) return explored(fault, from);
      for (const { name, next, owed: isOwed } of steps(state)) {
        transitions += 1;
        const to = visit(next, from, name, nextLevel);
        if (!isOwed || owed.isDone[from] === true || to === from) continue;
        owed.from.push(from);
        owed.to.push(to);
      }
    }
    first += level.length;
    level = nextLevel;
  }
  depth -= 1;
  const stuck = stuckIn(owed);
  return stuck === undefined ? explored() : explored('from here the end is out of reach', stuck);
};

/** The store in memory, for tests that need no engine: what it promises is what the DynamoDB adapter promises. */
import { z } from 'zod';
import { kindOf, rootOf } from '#events/envelope.ts';
import type { StreamId } from '#events/envelope.ts';
import { checkAppend, checkMarks } from '../append-check.ts';
import { factOf, readLimit } from '../fact-text.ts';
import { isListed, pageOf, placeOf, startOf } from '../row-pages.ts';
import { shardOf } from '../shard.ts';
import type {
  Append,
  AppendOptions,
  AppendOutcome,
  Commit,
  Condition,
  Dedupe,
  ListRows,
  MarkRow,
  OnCommit,
  Row,
  Store,
  StoredFact,
  StoredRow,
} from '../store.ts';

export type MemoryStoreOptions = {
  readonly shards: number;
  readonly clock: () => number;
  readonly onCommit?: OnCommit;
};

type State = {
  readonly rows: Map<StreamId, StoredRow>;
  /** By version: each fact with the commit it came in. */
  readonly streams: Map<StreamId, readonly { readonly fact: StoredFact; readonly commit: Commit }[]>;
  /** One commit per position, in every shard. */
  readonly logs: readonly Commit[][];
  readonly dedupes: Map<string, Dedupe>;
};

/** What is kept and what is given away is never the caller's own object. */
const copy = <Value>(value: Value): Value => structuredClone(value);
const asStored = (row: Row): Row => z.record(z.string(), z.unknown()).parse(JSON.parse(JSON.stringify(row)));

const holds = (stored: StoredRow | undefined, { field, ...condition }: Condition): boolean => {
  const fields: Row = { ...stored?.row, ...stored?.marks, ...(stored && { version: stored.version }) };
  const value = fields[field];
  switch (condition.is) {
    case 'equal':
      return value === condition.to;
    case 'below':
      return value === undefined || (typeof value === 'number' && value < condition.to);
    case 'absent':
      return value === undefined;
  }
};

/** What an append comes to before anything is written; nothing where it may be written. */
const verdict = (
  state: State,
  [stream, expected, facts]: readonly [StreamId, number, readonly StoredFact[]],
  { where = [], guards = [], dedupe }: AppendOptions,
  now: number,
): AppendOutcome | undefined => {
  const already = state.streams.get(stream)?.[expected];
  if (already && already.fact.id === facts[0]?.id) return { outcome: 'appended', commit: copy(already.commit) };
  const earlier = dedupe && state.dedupes.get(dedupe.key);
  if (earlier && earlier.expiresAt > now)
    return { outcome: 'duplicate', requestHash: earlier.requestHash, result: earlier.result };
  const row = state.rows.get(stream);
  if ((row?.version ?? 0) !== expected) return { outcome: 'conflict' };
  const believed = [{ stream, where }, ...guards];
  const right = believed.every((guard) => guard.where.every((each) => holds(state.rows.get(guard.stream), each)));
  return right ? undefined : { outcome: 'fenced' };
};

const appendTo =
  (state: State, { shards, clock, onCommit }: MemoryStoreOptions): Append =>
  async (stream, expected, facts, options) => {
    const texts = checkAppend(stream, expected, facts, options);
    const decided = verdict(state, [stream, expected, facts], options, clock());
    if (decided) return decided;
    const shard = shardOf(stream, shards);
    const log = state.logs[shard] ?? [];
    const commit = { shard, position: log.length + 1, stream, facts: texts.map(factOf) };
    log.push(commit);
    const earlier = state.streams.get(stream) ?? [];
    state.streams.set(stream, [...earlier, ...commit.facts.map((fact) => ({ fact, commit }))]);
    const marks = { ...state.rows.get(stream)?.marks, ...options.marks };
    state.rows.set(stream, { version: expected + facts.length, row: asStored(options.row), marks });
    if (options.dedupe) state.dedupes.set(options.dedupe.key, options.dedupe);
    if (onCommit) queueMicrotask(() => onCommit(copy(commit)));
    return { outcome: 'appended', commit: copy(commit) };
  };

const markIn =
  ({ rows }: State): MarkRow =>
  async (stream, marks, where) => {
    checkMarks(stream, marks);
    const stored = rows.get(stream);
    if (!stored || !where.every((condition) => holds(stored, condition))) return 'refused';
    rows.set(stream, { ...stored, marks: { ...stored.marks, ...marks } });
    return 'marked';
  };

const listFrom =
  ({ rows }: State): ListRows =>
  async (kind, query) => {
    const start = startOf(kind, query);
    const candidates = [...rows]
      .filter(([stream, { row }]) => kindOf(stream) === kind && isListed(query, row))
      .map(([stream, stored]) => ({ ...placeOf(rootOf(stream), stored.row), stored }));
    const { shown, next } = pageOf(kind, query, start, candidates);
    return { rows: shown.map(({ stored }) => copy(stored)), ...next };
  };

export const memoryStore = (options: MemoryStoreOptions): Store => {
  const { shards } = options;
  const logs = Array.from({ length: shards }, (): Commit[] => []);
  const state: State = { rows: new Map(), streams: new Map(), logs, dedupes: new Map() };
  return {
    shards,
    append: appendTo(state, options),
    readStream: async (stream, after, limit = readLimit) =>
      (state.streams.get(stream) ?? []).slice(after, after + limit).map(({ fact }) => copy(fact)),
    readRow: async (stream) => copy(state.rows.get(stream)),
    markRow: markIn(state),
    listRows: listFrom(state),
    readLog: async (shard, after, limit = readLimit) => copy(logs[shard]?.slice(after, after + limit) ?? []),
    readHead: async (shard) => logs[shard]?.length ?? 0,
  };
};

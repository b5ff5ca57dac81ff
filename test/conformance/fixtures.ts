/** What the store suites share: how a store is opened, and tasks, facts and rows to put into it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindOf, rootOf } from '#events/envelope.ts';
import type { StreamId } from '#events/envelope.ts';
import { timeOf } from '#events/ids.ts';
import { keyFieldOf } from '#platform/append-check.ts';
import { pause } from '#platform/backoff.ts';
import type { AppendOptions, AppendOutcome, Commit, OnCommit, Row, Store, StoredFact } from '#platform/store.ts';
import { uuidv7 } from '#platform/uuid.ts';

export type OpenOptions = { readonly clock?: () => number; readonly onCommit?: OnCommit; readonly shards?: number };

export type Opened = {
  readonly store: Store;
  /** Another instance over the same data, as another process has it; a store in memory is its own only instance. */
  readonly another: () => Store;
};

/** Opens a store that holds nothing yet. */
export type OpenStore = (options?: OpenOptions) => Promise<Opened>;

/** Titles of tests that an engine cannot pass, each with the reason. */
export type KnownDifferences = Readonly<Record<string, string>>;

export type It = (title: string, run: () => Promise<void>) => void;

/** A known difference is shown as skipped, with its reason. */
export const testsFor =
  (known: KnownDifferences): It =>
  (title, run) =>
    void test(title, { skip: known[title] ?? false }, run);

export const newTask = (atMs = Date.now()): StreamId => `task/${uuidv7(atMs)}`;
export const newSession = (): StreamId => `session/${uuidv7(Date.now())}`;

/** Facts of `stream` with the versions after `after`; `fields` are their own. */
export const factsFor = (stream: StreamId, after: number, count = 1, fields: object = {}): StoredFact[] =>
  Array.from({ length: count }, (_, index) => ({
    ...fields,
    type: 'TaskProgressed',
    v: 1,
    id: uuidv7(Date.now()),
    stream,
    version: after + index + 1,
    at: new Date().toISOString(),
    actor: 'local:test',
    correlationId: 'test',
  }));

/** A row of the stream with these fields, and what the store asks of every row of its kind. */
export const rowFor = (stream: StreamId, fields: Row = {}): Row => {
  const [kind, id] = [kindOf(stream), rootOf(stream)];
  const named = { ...fields, [keyFieldOf(kind)]: id };
  return kind === 'task' ? { status: 'pending', owner: 'aaaaaaaaaaaa', ...named, createdAt: timeOf(id) } : named;
};

/** One fact, and a row with these fields. */
export const append = (
  store: Store,
  stream: StreamId,
  expected: number,
  { fields = {}, ...options }: Partial<AppendOptions> & { fields?: Row } = {},
): Promise<AppendOutcome> =>
  store.append(stream, expected, factsFor(stream, expected), { row: rowFor(stream, fields), ...options });

export const commitOf = (outcome: AppendOutcome): Commit => {
  assert.equal(outcome.outcome, 'appended');
  return outcome.commit;
};

export const outcomeOf = async (appending: Promise<AppendOutcome>): Promise<AppendOutcome['outcome']> =>
  (await appending).outcome;

/** The whole log of all shards. */
export const wholeLog = async (store: Store): Promise<Commit[]> => {
  const shards = Array.from({ length: store.shards }, (_, shard) => store.readLog(shard, 0));
  return (await Promise.all(shards)).flat();
};

/** Nothing of the stream is stored anywhere. */
export const assertNothing = async (store: Store, stream: StreamId): Promise<void> => {
  assert.equal(await store.readRow(stream), undefined);
  assert.deepEqual(await store.readStream(stream, 0), []);
  assert.deepEqual(
    (await wholeLog(store)).filter((commit) => commit.stream === stream),
    [],
  );
};

/** Asks again until no assertion fails: on real DynamoDB lists may be a moment behind. */
export const untilHolds = async (check: () => Promise<void>, withinMs = 5_000): Promise<void> => {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (fault) {
      if (performance.now() > deadline) throw fault;
      await pause(50);
    }
  }
};

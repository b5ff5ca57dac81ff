import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { accept, reject } from '#events/decider.ts';
import type { Decider } from '#events/decider.ts';
import { rootOf } from '#events/envelope.ts';
import type { Envelope, StreamId } from '#events/envelope.ts';
import { handler } from '#platform/handle.ts';
import type { Handle } from '#platform/handle.ts';
import { memoryStore } from '#platform/memory/store.ts';
import type { Store } from '#platform/store.ts';

const stream = 'session/counter' as const;
const origin = { actor: 'local:test', correlationId: 'request-1' } as const;
const now = Date.UTC(2026, 0, 1);

const Counter = z.object({ sessionId: z.string(), status: z.literal('counting'), count: z.int() });
type Counter = z.infer<typeof Counter>;
type Counted = { readonly type: 'Counted'; readonly v: 1; readonly by: number };

/** Counts up, one fact for each of `by`; down is refused. */
const counter: Decider<Counter, Counted, Counted & Envelope, { by: readonly number[] }, 'never-down'> = {
  evolve: (state, { by, stream }) => ({
    sessionId: rootOf(stream),
    status: 'counting',
    count: (state.status === 'absent' ? 0 : state.count) + by,
  }),
  decide: (_, { by }) =>
    by.some((each) => each < 0)
      ? reject('never-down')
      : accept(...by.filter((each) => each > 0).map((each) => ({ type: 'Counted', v: 1, by: each }) as const)),
};

type HandleCounter = Handle<Counter, { by: readonly number[] }, 'never-down'>;

const handlerOn = (store: Pick<Store, 'append' | 'readRow'>): HandleCounter =>
  handler(
    counter,
    (row) => Counter.parse(row),
    store,
    () => now,
  );

const open = (): { store: Store; handle: HandleCounter } => {
  const store = memoryStore({ shards: 4, clock: () => now });
  return { store, handle: handlerOn(store) };
};

const countIn = async (store: Store, of: StreamId = stream): Promise<unknown> =>
  (await store.readRow(of))?.row['count'];

test('an accepted command is stored with its envelope, and the row is its fold', async () => {
  const { store, handle } = open();
  const handled = await handle(stream, { by: [2, 3] }, { ...origin, causationId: 'cause' });
  assert.equal(handled.outcome, 'appended');
  assert.equal(handled.version, 2);
  assert.deepEqual(handled.state, { sessionId: 'counter', status: 'counting', count: 5 });
  assert.deepEqual((await store.readRow(stream))?.row, handled.state);
  const facts = await store.readStream(stream, 0);
  assert.deepEqual(facts, handled.commit.facts);
  assert.deepEqual(
    facts.map(({ id: _, ...fact }) => fact),
    [2, 3].map((by, index) => ({
      type: 'Counted',
      v: 1,
      by,
      ...origin,
      causationId: 'cause',
      stream,
      version: index + 1,
      at: '2026-01-01T00:00:00.000Z',
    })),
  );
});

test('a command that is already so, and one that is refused, store nothing', async () => {
  const { store, handle } = open();
  await handle(stream, { by: [1] }, origin);
  const state = { sessionId: 'counter', status: 'counting', count: 1 };
  assert.deepEqual(await handle(stream, { by: [] }, origin), { outcome: 'unchanged', state, version: 1 });
  assert.deepEqual(await handle(stream, { by: [-1] }, origin), { outcome: 'refused', refusal: 'never-down', state });
  assert.equal((await store.readStream(stream, 0)).length, 1);
});

test('commands that race are all carried out, each decided on what the others left', async () => {
  const { store, handle } = open();
  const handled = await Promise.all(Array.from({ length: 20 }, () => handle(stream, { by: [1] }, origin)));
  assert(handled.every(({ outcome }) => outcome === 'appended'));
  assert.equal(await countIn(store), 20);
  assert.equal((await store.readStream(stream, 0)).length, 20);
});

test('what the caller knows of the stream is checked, not trusted', async () => {
  const { store, handle } = open();
  await handle(stream, { by: [1] }, origin);
  const known = { state: { sessionId: 'counter', status: 'counting', count: 0 }, version: 0 } as const;
  const handled = await handle(stream, { by: [1] }, origin, { known });
  assert.equal(handled.outcome === 'appended' && handled.state.count, 2);
  assert.equal(await countIn(store), 2);
});

test('nothing is refused or left as it is on the word of the caller alone', async () => {
  const { handle } = open();
  await handle(stream, { by: [1] }, origin);
  const known = { state: { sessionId: 'counter', status: 'counting', count: 0 }, version: 0 } as const;
  const state = { ...known.state, count: 1 };
  assert.deepEqual(await handle(stream, { by: [] }, origin, { known }), { outcome: 'unchanged', state, version: 1 });
  const refused = await handle(stream, { by: [-1] }, origin, { known });
  assert.deepEqual(refused, { outcome: 'refused', refusal: 'never-down', state });
});

test('what the caller knows of the stream saves the read', async () => {
  const { store, handle } = open();
  const first = await handle(stream, { by: [1] }, origin);
  assert(first.outcome === 'appended');
  const blind = handlerOn({
    append: store.append,
    readRow: () => Promise.reject(new Error('the row was read')),
  });
  const handled = await blind(stream, { by: [1] }, origin, { known: first });
  assert.equal(handled.outcome === 'appended' && handled.version, 2);
});

test('a lost guard and a repeated key are the answers of the store', async () => {
  const { store, handle } = open();
  const guards = [{ stream: 'lock/it', where: [{ field: 'token', is: 'equal', to: 1 }] }] as const;
  assert.deepEqual(await handle(stream, { by: [1] }, origin, { guards }), { outcome: 'fenced' });
  const dedupe = { key: 'key', requestHash: 'hash', result: 'first', expiresAt: now + 1 };
  await handle(stream, { by: [1] }, origin, { dedupe });
  const repeated = await handle('session/other', { by: [1] }, origin, { dedupe: { ...dedupe, result: 'second' } });
  assert.deepEqual(repeated, { outcome: 'duplicate', requestHash: 'hash', result: 'first' });
  assert.equal(await countIn(store), 1);
});

test('marks and conditions reach the row', async () => {
  const { store, handle } = open();
  await handle(stream, { by: [1] }, origin, { marks: { heartbeatAt: 7 } });
  assert.deepEqual((await store.readRow(stream))?.marks, { heartbeatAt: 7 });
  const where = [{ field: 'heartbeatAt', is: 'below', to: 7 }] as const;
  assert.deepEqual(await handle(stream, { by: [1] }, origin, { where }), { outcome: 'fenced' });
});

test('a stream that moves under every decision is a fault, not an endless loop', async () => {
  const { store } = open();
  const handle = handlerOn({ readRow: store.readRow, append: async () => ({ outcome: 'conflict' }) });
  await assert.rejects(handle(stream, { by: [1] }, origin), /session\/counter moved under 50 decisions in a row/);
});

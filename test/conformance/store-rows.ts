/** Rows and what they may hold: given back as they were given, marks beside them, limits told before anything is written. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { commitBytesMax, rowBytesMax } from '#platform/append-check.ts';
import type { AppendOptions, StoredFact } from '#platform/store.ts';
import { append, assertNothing, commitOf, factsFor, newSession, newTask, outcomeOf, rowFor } from './fixtures.ts';
import type { It, OpenStore } from './fixtures.ts';

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** `make` with as much filling as makes its JSON exactly `bytes` long. */
const filledTo = <Made>(bytes: number, make: (filling: string) => Made): Made =>
  make('x'.repeat(bytes - jsonBytes(make(''))));

/** fast-check makes objects without a prototype; JSON has none such. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Any JSON, with what DynamoDB's own types cannot hold: deep nests, empty names, huge and tiny numbers, half surrogates. */
const anyJson = fc.oneof(
  fc.jsonValue({ maxDepth: 5 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.string({ unit: 'binary' }),
  fc.constantFrom<unknown>(
    '\ud800',
    { '': '' },
    [[]],
    [{}],
    Array.from({ length: 40 }).reduce((nest) => [nest], 1),
  ),
);

export const rowTests = (it: It, open: OpenStore): void => {
  it('a row is given back as it was given, whatever JSON its fields hold', async () => {
    const { store, another } = await open();
    const reader = another();
    const property = fc.asyncProperty(fc.array(anyJson, { minLength: 1, maxLength: 40 }), async (values) => {
      const stream = newSession();
      const row = rowFor(stream, Object.fromEntries(values.map((value, index) => [`f${index}`, asJson(value)])));
      await store.append(stream, 0, factsFor(stream, 0), { row });
      assert.deepEqual((await reader.readRow(stream))?.row, row);
    });
    await fc.assert(property, { numRuns: 15 });
  });

  it('a field that is undefined is not stored', async () => {
    const { store } = await open();
    const stream = newSession();
    const [fact] = factsFor(stream, 0, 1, { result: undefined, kept: 1 });
    assert(fact);
    await store.append(stream, 0, [fact], { row: rowFor(stream, { a: undefined, b: { c: undefined, d: 1 } }) });
    const stored = await store.readRow(stream);
    assert.deepEqual(stored?.row, rowFor(stream, { b: { d: 1 } }));
    const [read] = await store.readStream(stream, 0);
    assert.deepEqual(read, JSON.parse(JSON.stringify(fact)));
  });

  it('fields that the fold no longer has are gone, also where the writer never saw them', async () => {
    const { store, another } = await open();
    const reader = another();
    const stream = newTask();
    await append(store, stream, 0, { fields: { worker: 'w1', result: { text: 'x' }, status: 'processing' } });
    await append(another(), stream, 1, { fields: { status: 'pending', attempt: 1 } });
    assert.deepEqual((await reader.readRow(stream))?.row, rowFor(stream, { status: 'pending', attempt: 1 }));
    const where = [{ field: 'worker', is: 'absent' } as const];
    assert.equal(await outcomeOf(append(store, stream, 2, { where })), 'appended');
    assert.deepEqual((await reader.readRow(stream))?.row, rowFor(stream));
  });

  it('marks survive an append by somebody else', async () => {
    const { store, another } = await open();
    const stream = newTask();
    await append(store, stream, 0, { marks: { leaseUntil: 7 } });
    assert.equal(await store.markRow(stream, { heartbeatAt: 100 }, []), 'marked');
    await append(another(), stream, 1, { fields: { status: 'processing' }, marks: { leaseUntil: 8 } });
    assert.deepEqual(await store.readRow(stream), {
      version: 2,
      row: rowFor(stream, { status: 'processing' }),
      marks: { heartbeatAt: 100, leaseUntil: 8 },
    });
  });

  it('marks are made under the condition of the holder, and change nothing else', async () => {
    const { store } = await open();
    const stream = newTask();
    const held = (token: number) => [{ field: 'token', is: 'equal', to: token } as const];
    assert.equal(await store.markRow(stream, { heartbeatAt: 1 }, []), 'refused');
    assert.equal(await store.markRow(stream, { heartbeatAt: 1 }, [{ field: 'token', is: 'absent' }]), 'refused');
    await assertNothing(store, stream);
    await append(store, stream, 0, { fields: { token: 1 } });
    assert.equal(await store.markRow(stream, { heartbeatAt: 1, leaseUntil: 2 }, held(1)), 'marked');
    assert.equal(await store.markRow(stream, { heartbeatAt: 3 }, held(2)), 'refused');
    const renew = [{ field: 'leaseUntil', is: 'below', to: 3 } as const];
    assert.equal(await store.markRow(stream, { leaseUntil: 9 }, [...held(1), ...renew]), 'marked');
    assert.equal(await store.markRow(stream, { leaseUntil: 10 }, [...held(1), ...renew]), 'refused');
    const row = rowFor(stream, { token: 1 });
    assert.deepEqual(await store.readRow(stream), { version: 1, row, marks: { heartbeatAt: 1, leaseUntil: 9 } });
  });

  it('the largest commit and the largest row are stored whole', async () => {
    const { store, another } = await open();
    const stream = newSession();
    const [fact] = factsFor(stream, 0);
    const facts = filledTo(commitBytesMax, (text) => [{ ...fact, text }]).flatMap((each): StoredFact[] =>
      fact ? [{ ...fact, ...each }] : [],
    );
    const row = filledTo(rowBytesMax, (text) => rowFor(stream, { nested: { text } }));
    const commit = commitOf(await store.append(stream, 0, facts, { row, marks: { heartbeatAt: 1, leaseUntil: 1 } }));
    assert.deepEqual((await another().readRow(stream))?.row, row);
    assert.deepEqual(await another().readLog(commit.shard, 0), [commit]);
    const other = filledTo(rowBytesMax, (text) => rowFor(stream, { text, count: 1 }));
    await store.append(stream, 1, factsFor(stream, 1), { row: other });
    assert.deepEqual((await another().readRow(stream))?.row, other);
  });

  it('an append that cannot be stored throws, says why, and leaves nothing', async () => {
    const { store } = await open();
    const stream = newTask();
    const row = rowFor(stream);
    const cases: [facts: StoredFact[], options: AppendOptions, message: RegExp][] = [
      [[], { row }, /has no facts/],
      [factsFor(stream, 1), { row }, /version 2 is no fact for task\/.* after 0/],
      [factsFor(newTask(), 0), { row }, /is no fact for/],
      [factsFor(stream, 0, 98), { row }, /98 facts, more than one transaction holds/],
      [factsFor(stream, 0, 8, { text: 'x'.repeat(commitBytesMax / 8) }), { row }, /bytes of facts, more than 262144/],
      [
        factsFor(stream, 0),
        { row: filledTo(rowBytesMax + 1, (x) => ({ ...row, x })) },
        /405505 bytes, more than 405504/,
      ],
      [factsFor(stream, 0), { row: { ...row, taskId: 'another' } }, /must name it under taskId/],
      [factsFor(stream, 0), { row: { ...row, createdAt: 1 } }, /must carry the time inside its id/],
      [factsFor(stream, 0), { row: { ...row, version: 1 } }, /has a field version/],
      [factsFor(stream, 0), { row: { ...row, heartbeatAt: 1 } }, /has a field heartbeatAt/],
      [factsFor(stream, 0), { row, marks: { bedtime: 1 } }, /unknown mark bedtime/],
    ];
    for (const [facts, options, message] of cases) {
      await assert.rejects(store.append(stream, 0, facts, options), message);
      await assertNothing(store, stream);
    }
  });
};

/** Lists: every row once, in order, whatever the size of the pages. */
import assert from 'node:assert/strict';
import type { StreamId, StreamKind } from '#events/envelope.ts';
import { InvalidCursor } from '#platform/store.ts';
import type { ListQuery, Store, StoredRow } from '#platform/store.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { append, newTask, rowFor, untilHolds } from './fixtures.ts';
import type { It, OpenStore } from './fixtures.ts';

const idsOf = (rows: readonly StoredRow[]): unknown[] =>
  rows.map(({ row }) => row['taskId'] ?? row['sessionId'] ?? row['buildId']);
const idOf = (stream: StreamId): string => stream.slice(stream.indexOf('/') + 1);

/** All pages of a list, each as long as asked for but the last. */
const pagesOf = async (store: Store, kind: StreamKind, query: ListQuery): Promise<StoredRow[]> => {
  const rows: StoredRow[] = [];
  let after: string | undefined;
  do {
    const page = await store.listRows(kind, { ...query, ...(after !== undefined && { after }) });
    if (page.next === undefined) assert(page.rows.length <= query.limit);
    else assert.equal(page.rows.length, query.limit);
    rows.push(...page.rows);
    after = page.next;
  } while (after !== undefined);
  return rows;
};

/** Twelve tasks in three milliseconds, oldest first: what was made in one millisecond stands in the order of its ids. */
const twelveTasks = async (store: Store) => {
  const statuses = ['pending', 'completed', 'processing'];
  const streams = Array.from({ length: 12 }, (_, index) => newTask(1_700_000_000_000 + (index % 3))).sort();
  const tasks = streams.map((stream, index) => ({
    stream,
    id: idOf(stream),
    status: statuses[index % 3],
    owner: index % 2 === 0 ? 'aaaaaaaaaaaa' : 'bbbbbbbbbbbb',
  }));
  await Promise.all(tasks.map(({ stream, status, owner }) => append(store, stream, 0, { fields: { status, owner } })));
  return tasks;
};

export const listTests = (it: It, open: OpenStore): void => {
  it('a list shows every row once, in order, whatever the size of its pages', async () => {
    const { store } = await open();
    const tasks = await twelveTasks(store);
    const queries: [Pick<ListQuery, 'by' | 'and'>, (task: (typeof tasks)[number]) => boolean][] = [
      [{}, () => true],
      [{ by: { field: 'status', equals: 'pending' } }, ({ status }) => status === 'pending'],
      [{ by: { field: 'owner', equals: 'aaaaaaaaaaaa' } }, ({ owner }) => owner === 'aaaaaaaaaaaa'],
      [{ and: { field: 'status', equals: 'completed' } }, ({ status }) => status === 'completed'],
      [{ and: { field: 'owner', equals: 'bbbbbbbbbbbb' } }, ({ owner }) => owner === 'bbbbbbbbbbbb'],
      [
        { by: { field: 'owner', equals: 'bbbbbbbbbbbb' }, and: { field: 'status', equals: 'pending' } },
        ({ owner, status }) => owner === 'bbbbbbbbbbbb' && status === 'pending',
      ],
      [{ by: { field: 'status', equals: 'pending' }, and: { field: 'status', equals: 'completed' } }, () => false],
      [{ by: { field: 'owner', equals: 'nobody' } }, () => false],
    ];
    for (const [which, belongs] of queries) {
      const expected = tasks.filter(belongs).map(({ id }) => id);
      for (const limit of [1, 2, 5, 100]) {
        await untilHolds(async () => {
          const oldest = await pagesOf(store, 'task', { ...which, order: 'oldest-first', limit });
          assert.deepEqual(idsOf(oldest), expected, JSON.stringify({ ...which, limit }));
          const newest = await pagesOf(store, 'task', { ...which, order: 'newest-first', limit });
          assert.deepEqual(idsOf(newest), expected.toReversed(), JSON.stringify({ ...which, limit }));
        });
      }
    }
  });

  it('a list shows rows whole and as they are now', async () => {
    const { store } = await open();
    const stream = newTask();
    const fields = { status: 'processing', prompt: { kind: 'inline', text: 'hello' } };
    await append(store, stream, 0, { fields, marks: { heartbeatAt: 4 } });
    const list = (status: string) =>
      store.listRows('task', { by: { field: 'status', equals: status }, order: 'newest-first', limit: 10 });
    await untilHolds(async () =>
      assert.deepEqual(await list('processing'), {
        rows: [{ version: 1, row: rowFor(stream, fields), marks: { heartbeatAt: 4 } }],
      }),
    );
    await append(store, stream, 1, { fields: { status: 'completed' } });
    assert.deepEqual((await list('processing')).rows, []);
    await untilHolds(async () => assert.deepEqual(idsOf((await list('completed')).rows), [idOf(stream)]));
  });

  it('a list is whole however many of its rows were made in one millisecond', async () => {
    const { store } = await open();
    const tasks = Array.from({ length: 130 }, () => newTask(1_700_000_000_000));
    await Promise.all(tasks.map((task) => append(store, task, 0, { fields: { text: 'x'.repeat(12_000) } })));
    const ids = tasks.map(idOf).sort();
    for (const limit of [1, 30, 120]) {
      await untilHolds(async () => {
        const by = { field: 'status', equals: 'pending' } as const;
        const page = await store.listRows('task', { by, order: 'oldest-first', limit });
        assert.deepEqual(idsOf(page.rows), ids.slice(0, limit));
        const more = await store.listRows('task', { by, order: 'oldest-first', limit, after: page.next ?? '' });
        assert.deepEqual(idsOf(more.rows), ids.slice(limit, 2 * limit));
      });
    }
  });

  for (const kind of ['session', 'build'] as const)
    it(`rows of a ${kind} are listed by the same rules as those of a task`, async () => {
      const { store } = await open();
      const streams = Array.from({ length: 5 }, () => `${kind}/${uuidv7(Date.now())}` as const).sort();
      for (const [index, stream] of streams.entries())
        await append(store, stream, 0, {
          fields: {
            createdAt: index < 3 ? 10 : 20,
            status: index % 2 === 0 ? 'idle' : 'active',
            owner: 'aaaaaaaaaaaa',
          },
        });
      const idle = streams.filter((_, index) => index % 2 === 0);
      const by = { field: 'status', equals: 'idle' } as const;
      await untilHolds(async () => {
        const all = await pagesOf(store, kind, { order: 'oldest-first', limit: 2 });
        assert.deepEqual(idsOf(all), streams.map(idOf));
        const some = await pagesOf(store, kind, { by, order: 'newest-first', limit: 1 });
        assert.deepEqual(idsOf(some), idle.map(idOf).toReversed());
      });
      assert.deepEqual((await store.listRows('account', { order: 'oldest-first', limit: 5 })).rows, []);
    });

  it('a cursor that was not made by this list is refused', async () => {
    const { store } = await open();
    await append(store, newTask(), 0);
    await append(store, newTask(), 0);
    const query = { order: 'oldest-first', limit: 1 } as const;
    let next: string | undefined;
    await untilHolds(async () => {
      ({ next } = await store.listRows('task', query));
      assert(next !== undefined);
    });
    const tampered = Buffer.from(JSON.stringify(['x', 1, 'y'])).toString('base64url');
    for (const after of ['', 'nonsense', '{}', tampered, Buffer.from('[1,2').toString('base64url')])
      await assert.rejects(store.listRows('task', { ...query, after }), InvalidCursor, after);
    const elsewhere = { ...query, after: next ?? '' };
    await assert.rejects(store.listRows('session', elsewhere), InvalidCursor);
    await assert.rejects(store.listRows('task', { ...elsewhere, order: 'newest-first' }), InvalidCursor);
    const by = { field: 'status', equals: 'pending' } as const;
    await assert.rejects(store.listRows('task', { ...elsewhere, by }), InvalidCursor);
  });
};

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TaskId } from '#events/ids.ts';
import { followMine, readCursor, writeCursor } from '../../../../services/api/live/mine.ts';
import type { MineCursor } from '../../../../services/api/live/mine.ts';
import { createOwners } from '../../../../services/api/live/owners.ts';
import { accepted } from '../submit-support.ts';
import { createWorld, people, startApi } from '../world.ts';
import type { Person, TestApi, World } from '../world.ts';

const submitAs = async (api: TestApi, as: Person): Promise<TaskId> =>
  (await accepted(await api.ask('POST', '/api/chat', { as, body: { message: 'x' } }))).taskId;

const followAs = (world: World, api: TestApi, as: Person, cursor: string | undefined, signal: AbortSignal) =>
  followMine(
    { ...people[as], keyId: '' },
    cursor === undefined ? undefined : readCursor(cursor, world.store.shards),
    { hub: api.hub, store: world.store, ownerOf: createOwners(world.store.readRow).ownerOf },
    signal,
  );

describe('a cursor of $mine', () => {
  const cursor = fc.array(fc.record({ position: fc.nat(1e9), given: fc.nat(90) }, { noNullPrototype: true }), {
    minLength: 1,
    maxLength: 20,
  });

  it('reads back as it was written', () =>
    fc.assert(
      fc.property(cursor, (places: MineCursor) => {
        assert.deepEqual(readCursor(writeCursor(places), places.length), places);
      }),
    ));

  it('is no cursor of a log with another number of shards, nor is anything else', () => {
    assert.equal(readCursor('1.2.3', 4), undefined);
    for (const text of ['', '.', '1.2', '1.2.-3', '1.2.3+', '1.2.3+aaa', '1.2.Z', 'a'.repeat(3_000)]) {
      assert.equal(readCursor(text, 3), undefined, text);
    }
  });
});

describe('$mine', () => {
  it('begins now, says so, and gives a member their own tasks and an operator all', async () => {
    const world = await createWorld();
    await using api = await startApi(world);
    await submitAs(api, 'alice');
    await api.settled();
    const stop = new AbortController();
    const feeds = (['alice', 'olga'] as const).map((as) => followAs(world, api, as, undefined, stop.signal));
    for (const feed of feeds) assert.equal((await feed.next()).value?.frame, undefined);
    const [bobs, alices] = [await submitAs(api, 'bob'), await submitAs(api, 'alice')];
    const [alice, olga] = feeds;
    assert.equal((await alice?.next())?.value?.frame?.stream, `task/${alices}`);
    const all = new Set([(await olga?.next())?.value?.frame?.stream, (await olga?.next())?.value?.frame?.stream]);
    assert.deepEqual(all, new Set([`task/${bobs}`, `task/${alices}`]));
    stop.abort();
  });

  it('goes on from any of its cursors with every fact exactly once, whoever leaves and whichever instance they come back to', async () => {
    const act = fc.oneof(
      fc.record({ do: fc.constant('submit' as const), n: fc.nat(1) }),
      fc.record({ do: fc.constant('cancel' as const), n: fc.nat(9) }),
      fc.record({ do: fc.constant('read' as const), n: fc.nat(6) }),
      fc.record({ do: fc.constant('leave' as const), n: fc.nat(1) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { maxLength: 40, size: 'max' }),
        fc.constantFrom('alice', 'olga'),
        async (acts, as) => {
          const world = await createWorld();
          await using one = await startApi(world);
          await using two = await startApi(world);
          const stop = new AbortController();
          const start = writeCursor(one.hub.heads().map((position) => ({ position, given: 0 })));
          let [cursor, feed] = [start, followAs(world, one, as, start, stop.signal)];
          const tasks: TaskId[] = [];
          const expected = new Map<string, number>();
          const seen = new Map<string, number>();
          const total = (of: Map<string, number>) => [...of.values()].reduce((sum, n) => sum + n, 0);
          const read = async (): Promise<void> => {
            const { value } = await feed.next();
            assert.ok(value);
            cursor = value.cursor;
            if (!value.frame) return;
            const { stream, version } = value.frame;
            assert.equal(version, (seen.get(stream) ?? 0) + 1);
            seen.set(stream, version);
          };
          for (const { do: what, n } of acts) {
            if (what === 'submit') {
              const owner = n === 0 ? 'alice' : 'bob';
              const id = await submitAs(one, owner);
              tasks.push(id);
              if (as === 'olga' || owner === 'alice') expected.set(`task/${id}`, 1);
            }
            const id = tasks[n];
            if (what === 'cancel' && id !== undefined) {
              const moved = await world.moveTask(id, { type: 'request-cancel' });
              if (moved.outcome === 'appended' && expected.has(`task/${id}`)) expected.set(`task/${id}`, moved.version);
            }
            if (what === 'read')
              for (let times = 0; times < n && total(seen) < total(expected); times += 1) await read();
            if (what === 'leave') {
              await feed.return(undefined);
              feed = followAs(world, n === 0 ? one : two, as, cursor, stop.signal);
            }
          }
          while (total(seen) < total(expected)) await read();
          assert.deepEqual(seen, expected);
          stop.abort();
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** Appends: all or nothing, exactly once, and refused for the right reason. */
import assert from 'node:assert/strict';
import type { AppendOutcome, Condition } from '#platform/store.ts';
import {
  append,
  assertNothing,
  commitOf,
  factsFor,
  newSession,
  newTask,
  outcomeOf,
  rowFor,
  wholeLog,
} from './fixtures.ts';
import type { It, OpenStore } from './fixtures.ts';

const dedupe = (key: string, result: string, expiresAt = Number.MAX_SAFE_INTEGER) => ({
  key,
  requestHash: `hash of ${result}`,
  result,
  expiresAt,
});

const outcomes = (all: readonly AppendOutcome[]) => ({
  appended: all.filter(({ outcome }) => outcome === 'appended').length,
  conflict: all.filter(({ outcome }) => outcome === 'conflict').length,
  duplicate: all.filter(({ outcome }) => outcome === 'duplicate').length,
});

export const appendTests = (it: It, open: OpenStore): void => {
  it('an append is found in the stream, in the row and in the log', async () => {
    const { store, another } = await open();
    const stream = newTask();
    const facts = factsFor(stream, 0, 3, { text: 'ünïcødé 🚀', list: [1, { a: null }], empty: '' });
    const row = rowFor(stream, { prompt: { kind: 'inline', text: '' } });
    const commit = commitOf(await store.append(stream, 0, facts, { row, marks: { heartbeatAt: 5 } }));
    assert.deepEqual(commit, { shard: commit.shard, position: 1, stream, facts });
    for (const reader of [store, another()]) {
      assert.deepEqual(await reader.readStream(stream, 0), facts);
      assert.deepEqual(await reader.readRow(stream), { version: 3, row, marks: { heartbeatAt: 5 } });
      assert.deepEqual(await reader.readLog(commit.shard, 0), [commit]);
      assert.equal(await reader.readHead(commit.shard), 1);
    }
  });

  it('an append before or beyond the end conflicts and leaves nothing', async () => {
    const { store } = await open();
    const [stream, never] = [newTask(), newTask()];
    await append(store, stream, 0);
    await append(store, stream, 1);
    const before = [await store.readStream(stream, 0), await store.readRow(stream), await wholeLog(store)];
    for (const expected of [0, 1, 3, 7])
      assert.deepEqual(await append(store, stream, expected), { outcome: 'conflict' }, `at ${expected}`);
    assert.deepEqual([await store.readStream(stream, 0), await store.readRow(stream), await wholeLog(store)], before);
    assert.deepEqual(await append(store, never, 1), { outcome: 'conflict' });
    await assertNothing(store, never);
  });

  it('of 64 writers that race for one version exactly one wins', async () => {
    const { store, another } = await open();
    const stores = [store, another(), another(), another()];
    const stream = newTask();
    await append(store, stream, 0);
    const racing = Array.from({ length: 64 }, (_, index) => append(stores[index % 4] ?? store, stream, 1));
    assert.deepEqual(outcomes(await Promise.all(racing)), { appended: 1, conflict: 63, duplicate: 0 });
    assert.equal((await store.readStream(stream, 0)).length, 2);
    assert.equal((await wholeLog(store)).length, 2);
  });

  it('an append that is repeated with the same facts is the same append', async () => {
    const { store, another } = await open();
    const stream = newTask();
    const facts = factsFor(stream, 0, 2);
    const first = await store.append(stream, 0, facts, { row: rowFor(stream) });
    await append(store, stream, 2);
    assert.deepEqual(await another().append(stream, 0, facts, { row: rowFor(stream) }), first);
    assert.equal((await wholeLog(store)).length, 2);
  });

  it('a writer whose guard no longer holds is fenced and leaves nothing', async () => {
    const { store } = await open();
    const [task, lock] = [newTask(), newSession()];
    const holding = (token: number) => [{ stream: lock, where: [{ field: 'token', is: 'equal', to: token } as const] }];
    assert.equal(await outcomeOf(append(store, task, 0, { guards: holding(1) })), 'fenced', 'no lock at all');
    await append(store, lock, 0, { fields: { token: 1 } });
    assert.equal(await outcomeOf(append(store, task, 0, { guards: holding(1) })), 'appended');
    await append(store, lock, 1, { fields: { token: 2 } });
    assert.equal(await outcomeOf(append(store, task, 1, { guards: holding(1) })), 'fenced');
    assert.equal((await store.readStream(task, 0)).length, 1);
    assert.equal(await outcomeOf(append(store, task, 1, { guards: holding(2) })), 'appended');
  });

  it('conditions hold of fields and marks of the own row, and of a row that is not there', async () => {
    const { store } = await open();
    const conditions: [Condition, onRow: boolean, onNothing: boolean][] = [
      [{ field: 'worker', is: 'equal', to: 'w1' }, true, false],
      [{ field: 'worker', is: 'equal', to: 'w2' }, false, false],
      [{ field: 'attempt', is: 'equal', to: 2 }, true, false],
      [{ field: 'attempt', is: 'equal', to: '2' }, false, false],
      [{ field: 'version', is: 'equal', to: 1 }, true, false],
      [{ field: 'heartbeatAt', is: 'below', to: 101 }, true, true],
      [{ field: 'heartbeatAt', is: 'below', to: 100 }, false, true],
      [{ field: 'leaseUntil', is: 'below', to: 1 }, true, true],
      [{ field: 'worker', is: 'absent' }, false, true],
      [{ field: 'result', is: 'absent' }, true, true],
      [{ field: 'nothing', is: 'absent' }, false, true],
    ];
    for (const [condition, onRow, onNothing] of conditions) {
      const [existing, missing] = [newSession(), newSession()];
      await append(store, existing, 0, {
        fields: { worker: 'w1', attempt: 2, nothing: null },
        marks: { heartbeatAt: 100 },
      });
      const told = `${condition.field} ${condition.is}`;
      const expected = (holds: boolean) => (holds ? 'appended' : 'fenced');
      assert.equal(await outcomeOf(append(store, existing, 1, { where: [condition] })), expected(onRow), told);
      assert.equal(await outcomeOf(append(store, missing, 0, { where: [condition] })), expected(onNothing), told);
    }
  });

  it('text is not below any number', async () => {
    const { store } = await open();
    const stream = newSession();
    await append(store, stream, 0, { fields: { worker: 'w1' } });
    const where = [{ field: 'worker', is: 'below', to: 1 } as const];
    assert.equal(await outcomeOf(append(store, stream, 1, { where })), 'fenced');
  });

  it('a guard on the own row, two guards on one row and an empty guard are all right', async () => {
    const { store } = await open();
    const [task, lock] = [newTask(), newSession()];
    await append(store, task, 0, { fields: { attempt: 1 } });
    await append(store, lock, 0, { fields: { token: 1, status: 'held' } });
    const guards = (attempt: number, token: number) => [
      { stream: task, where: [{ field: 'attempt', is: 'equal', to: attempt } as const] },
      { stream: lock, where: [{ field: 'token', is: 'equal', to: token } as const] },
      { stream: lock, where: [{ field: 'status', is: 'equal', to: 'held' } as const] },
      { stream: newTask(), where: [] },
    ];
    assert.equal(await outcomeOf(append(store, task, 1, { guards: guards(2, 1) })), 'fenced');
    assert.equal(await outcomeOf(append(store, task, 1, { guards: guards(1, 2) })), 'fenced');
    assert.equal(await outcomeOf(append(store, task, 1, { guards: guards(1, 1) })), 'appended');
  });

  it('a moved stream is told before a lost guard, and a duplicate before both', async () => {
    const { store } = await open();
    const stream = newTask();
    await append(store, stream, 0, { dedupe: dedupe('key', 'first') });
    const lost = {
      where: [{ field: 'worker', is: 'equal', to: 'me' } as const],
      guards: [{ stream: newSession(), where: [{ field: 'token', is: 'equal', to: 1 } as const] }],
    };
    assert.equal(await outcomeOf(append(store, stream, 1, lost)), 'fenced');
    assert.equal(await outcomeOf(append(store, stream, 0, lost)), 'conflict');
    assert.equal(await outcomeOf(append(store, stream, 5, lost)), 'conflict');
    assert.deepEqual(await append(store, stream, 0, { ...lost, dedupe: dedupe('key', 'second') }), {
      outcome: 'duplicate',
      requestHash: 'hash of first',
      result: 'first',
    });
  });

  it('one idempotency key twice at the same moment makes one task', async () => {
    const { store, another } = await open();
    const stores = [store, another()];
    const tasks = Array.from({ length: 16 }, () => newTask());
    const submitted = await Promise.all(
      tasks.map((task, index) => append(stores[index % 2] ?? store, task, 0, { dedupe: dedupe('key', task) })),
    );
    assert.deepEqual(outcomes(submitted), { appended: 1, conflict: 0, duplicate: 15 });
    const winner = tasks[submitted.findIndex(({ outcome }) => outcome === 'appended')];
    for (const answer of submitted)
      if (answer.outcome === 'duplicate') assert.deepEqual(answer.result, winner, 'every repeat names the one task');
    assert.deepEqual(
      (await wholeLog(store)).map(({ stream }) => stream),
      [winner],
    );
  });

  it('an idempotency key can be used again from the moment it expires', async () => {
    let now = 1_000_500;
    const { store } = await open({ clock: () => now });
    await append(store, newTask(), 0, { dedupe: dedupe('key', 'first', 1_000_777) });
    now = 1_000_776;
    assert.equal(await outcomeOf(append(store, newTask(), 0, { dedupe: dedupe('key', 'second') })), 'duplicate');
    now = 1_000_777;
    assert.equal(await outcomeOf(append(store, newTask(), 0, { dedupe: dedupe('key', 'third') })), 'appended');
    const again = await append(store, newTask(), 0, { dedupe: dedupe('key', 'fourth') });
    assert.equal(again.outcome === 'duplicate' && again.result, 'third');
  });

  it('the listener is told of every commit once, and of nothing else', async () => {
    const told: string[] = [];
    const { store } = await open({ onCommit: ({ stream, facts }) => told.push(`${stream} ${facts.length}`) });
    const stream = newTask();
    await append(store, stream, 0);
    await append(store, stream, 0);
    await store.append(stream, 1, factsFor(stream, 1, 2), { row: rowFor(stream) });
    assert.deepEqual(told, [`${stream} 1`, `${stream} 2`]);
  });
};

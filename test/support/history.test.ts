import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { catalog } from '#events/catalog.ts';
import type { StreamId } from '#events/envelope.ts';
import type { TaskEvent } from '#events/task.ts';
import type { Commit, StoredFact, StoredRow } from '#platform/store.ts';
import { stored as inEnvelopes } from '#test/support/given.ts';
import { breachesOf, recorder } from '#test/support/history.ts';
import type { History, Stored } from '#test/support/history.ts';
import { lockId, owner, sessionId, taskId, workerId } from '#test/support/ids.ts';

const [id, other] = [taskId(1), taskId(2)];
const stream = `task/${id}` as const;

const submitted = (mark: string): TaskEvent => ({
  ...{ type: 'TaskSubmitted', v: 1, owner, prompt: { kind: 'inline', text: 'hello' }, priority: 'normal' },
  ...{ timeoutMs: 1_000, attemptsMax: 3, metadata: { mark } },
});
const started = (attempt: number): TaskEvent => ({
  ...{ type: 'TaskStarted', v: 1, attempt, workerId: workerId(attempt), sessionId: sessionId(1) },
});
const completed = (attempt: number): TaskEvent => ({
  ...{ type: 'TaskCompleted', v: 1, attempt, result: { kind: 'inline', text: 'done' }, stopReason: 'end_turn' },
});
const error = { class: 'worker-lost', message: 'gone', remedy: 'none', retryable: true } as const;
const interrupted = (attempt: number): TaskEvent => ({
  ...{ type: 'TaskInterrupted', v: 1, attempt, cause: 'worker-lost', error },
});
const retried: TaskEvent = { type: 'TaskRetried', v: 1, failures: 1, priority: 'normal' };

/** All in one shard, one commit a fact, the rows as they must be. */
const storedAs = (streams: Readonly<Record<StreamId, readonly object[]>>): Stored => {
  const facts = new Map<StreamId, readonly StoredFact[]>();
  const rows = new Map<StreamId, StoredRow>();
  for (const [name, bare] of Object.entries(streams)) {
    const kind = name.startsWith('lock/') ? 'lock' : 'task';
    const known: StreamId = `${kind}/${name.slice(5)}`;
    const ofStream = inEnvelopes(known, bare).map((fact, index) =>
      catalog[kind].parse({ ...fact, ...bare[index], id: idOf(name, fact.version) }),
    );
    facts.set(known, ofStream);
    rows.set(known, { version: ofStream.length, row: catalog[kind].rebuild(ofStream), marks: {} });
  }
  const all = [...facts].flatMap(([name, ofStream]) => ofStream.map((fact) => ({ stream: name, facts: [fact] })));
  return {
    streams: facts,
    rows,
    log: [all.map((commit, index): Commit => ({ ...commit, shard: 0, position: index + 1 }))],
  };
};
const idOf = (name: string, version: number): string =>
  `${name.startsWith('lock') ? 'a' : name.slice(-1)}0000000-0000-7000-8000-${String(version).padStart(12, '0')}`;

const lifeOf = (...facts: readonly TaskEvent[]) => storedAs({ [stream]: [submitted('m1'), ...facts] });
const whole = lifeOf(started(1), completed(1));
const rulesBrokenBy = (history: Partial<History>): string[] =>
  breachesOf({ operations: [], stored: whole, ...history }).map(({ rule }) => rule);

/** `submit` of the mark that `whole` holds, told as given. */
const told = (taskId_ = String(id), about = 'm1') => {
  const { invoke, operations } = recorder(() => 0);
  invoke('submit', about).ok({ taskId: taskId_, version: 1, status: 'pending' });
  return operations();
};

const change = (stored: Stored, edit: (facts: StoredFact[]) => StoredFact[]): Stored => {
  const streams = new Map(stored.streams);
  streams.set(stream, edit([...(stored.streams.get(stream) ?? [])]));
  return { ...stored, streams };
};

describe('the checker finds nothing', () => {
  it('in a task that was acknowledged, ran once and completed', () =>
    assert.deepEqual(breachesOf({ operations: told(), stored: whole }), []));

  it('in a task that was taken back and tried again', () =>
    assert.deepEqual(
      rulesBrokenBy({ stored: lifeOf(started(1), interrupted(1), retried, started(2), completed(2)) }),
      [],
    ));

  it('in a submission that nobody knows about, whether it happened or not', () => {
    const { invoke, operations } = recorder();
    invoke('submit', 'm1');
    invoke('submit', 'never arrived');
    assert.deepEqual(rulesBrokenBy({ operations: operations() }), []);
  });

  it('in a repeated submission that led to the same task', () =>
    assert.deepEqual(rulesBrokenBy({ operations: [...told(), ...told()] }), []));
});

describe('the checker tells of', () => {
  const breaks = (rule: string, history: Partial<History>) => assert.ok(rulesBrokenBy(history).includes(rule), rule);

  it('a task that was acknowledged and is not there', () => breaks('lost', { operations: told(String(other), 'm2') }));

  it('a cancel that was acknowledged and left no word', () => {
    const { invoke, operations } = recorder();
    invoke('cancel', id).ok({ taskId: id, version: 0, status: 'cancelling' });
    breaks('lost', { operations: operations() });
  });

  it('one submission that became two tasks', () =>
    breaks('once', {
      operations: told(),
      stored: storedAs({ [stream]: [submitted('m1')], [`task/${other}`]: [submitted('m1')] }),
    }));

  it('one submission that was acknowledged as two tasks', () =>
    breaks('once', { operations: [...told(), ...told(String(other))] }));

  it('a submission that was refused and is stored', () => {
    const { invoke, operations } = recorder();
    invoke('submit', 'm1').fail();
    breaks('refused', { operations: operations() });
  });

  it('a task that does not end', () => breaks('ended', { stored: lifeOf(started(1)) }));

  it('an answer that is older than an answer before it', () => {
    let now = 0;
    const { invoke, operations } = recorder(() => (now += 1));
    invoke('read', id).ok({ taskId: id, version: 2, status: 'processing' });
    invoke('read', id).ok({ taskId: id, version: 1, status: 'pending' });
    breaks('reads', { operations: operations() });
  });

  it('an outcome that was shown and is not the one that is stored', () => {
    const { invoke, operations } = recorder();
    invoke('read', id).ok({ taskId: id, version: 3, status: 'failed' });
    breaks('outcome', { operations: operations() });
  });

  it('a version that a subscriber missed, had twice, or was never given', () => {
    breaks('watched', { watched: [{ stream, versions: [1, 3], over: false }] });
    breaks('watched', { watched: [{ stream, versions: [1, 1], over: false }] });
    breaks('watched', { watched: [{ stream, versions: [1, 2], over: true }] });
    breaks('watched', { watched: [{ stream, versions: [1, 2, 3, 4], over: true }] });
  });

  it('a process that outlived its owner', () => breaks('survivor', { survivors: ['agent 1'] }));

  it('a version that is missing', () => breaks('versions', { stored: change(whole, ([, ...rest]) => rest) }));

  it('a fact that the log does not hold', () => {
    const [[, ...rest] = []] = whole.log;
    breaks('log', { stored: { ...whole, log: [rest] } });
    breaks('positions', { stored: { ...whole, log: [rest] } });
  });

  it('a row that is not the fold of its facts, at another version, or alone', () => {
    const rows = (row: Partial<StoredRow>, name: StreamId = stream) => {
      const known = whole.rows.get(stream) ?? { version: 0, row: {}, marks: {} };
      return { stored: { ...whole, rows: new Map([...whole.rows, [name, { ...known, ...row }]]) } };
    };
    breaks('row', rows({ row: { ...whole.rows.get(stream)?.row, attempt: 7 } }));
    breaks('row', rows({ version: 2 }));
    breaks('row', rows({}, `task/${other}`));
  });

  it('two outcomes, two attempts at once, an attempt twice, and the word of a worker that has lost its task', () => {
    for (const facts of [
      [started(1), completed(1), completed(1)],
      [started(1), started(2), completed(2)],
      [started(1), interrupted(1), retried, started(1), completed(1)],
      [started(1), interrupted(1), retried, started(2), completed(1)],
      [started(1), interrupted(1), retried, completed(1)],
      [completed(1)],
    ])
      breaks('attempts', { stored: lifeOf(...facts) });
  });

  it('a fact that was not announced, one that never will be, and one that is not stored', () => {
    const all = [1, 2, 3].map((version) => ({ stream, version }));
    assert.deepEqual(rulesBrokenBy({ announced: all, remembered: [3] }), []);
    breaks('announced', { announced: all.slice(1), remembered: [3] });
    breaks('announced', { announced: [...all, { stream, version: 4 }] });
    breaks('announced', { announced: all, remembered: [4] });
  });

  const acquired = (token: number) => {
    const grant = { holder: 'b', lockId: lockId(token), leaseMs: 1_000 };
    return { type: 'LockAcquired', v: 1, token, ...grant };
  };
  const lock = (...facts: readonly object[]) => ({ stored: storedAs({ 'lock/item': facts }) });

  it('a lock that is released by somebody else, with an old token, or held twice', () => {
    const released = (token: number, actor = 'local:test') => ({ type: 'LockReleased', v: 1, token, actor });
    assert.deepEqual(rulesBrokenBy(lock(acquired(1), released(1), acquired(3))), []);
    breaks('lock', lock(acquired(1), released(1, 'worker:other')));
    breaks('lock', lock(acquired(1), released(2)));
    breaks('lock', lock(acquired(1), acquired(2)));
    breaks('lock', lock(acquired(2), released(2), acquired(1)));
  });

  it('a session, lock or attempt that nobody holds any more', () => {
    const quiet = { at: 100_000, silentMs: 45_000 };
    breaks('silence', { stored: lifeOf(started(1)), quiet });
    breaks('silence', { ...lock(acquired(1)), quiet });
    assert.deepEqual(rulesBrokenBy({ quiet }), []);
  });
});

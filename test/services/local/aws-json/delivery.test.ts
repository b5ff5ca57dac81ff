/** Accepted events reach their target whatever fails in between. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { silent } from '#platform/log.ts';
import { Deliveries } from '../../../../services/local/aws-json/delivery.ts';
import type { Send } from '../../../../services/local/aws-json/delivery.ts';

const hour = 3_600_000;

/** A target that takes what it is sent once `failures` attempts have failed. */
const target = (failures: number) => {
  const taken: string[] = [];
  let attempts = 0;
  const send: Send = async (_arn, body) => {
    attempts += 1;
    if (attempts <= failures) throw new Error('not there');
    taken.push(body);
  };
  return { send, taken, attempts: () => attempts };
};

/** Timers and clock stand still until they are told to move. */
const still = (t: TestContext): ((ms: number) => Promise<void>) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  return async (ms) => {
    t.mock.timers.tick(ms);
    await new Promise(setImmediate);
  };
};

describe('a delivery', () => {
  it('that fails is tried again after pauses that double, up to half a minute', async (t) => {
    const pass = still(t);
    const { send, attempts } = target(Number.POSITIVE_INFINITY);
    await using deliveries = new Deliveries(new DatabaseSync(':memory:'), send, silent, Date.now);
    deliveries.accept([{ targetArn: 'q', body: 'a' }]);
    await pass(0);
    for (const [index, pause] of [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000].entries()) {
      await pass(pause - 1);
      assert.equal(attempts(), index + 1, `before ${pause} ms`);
      await pass(1);
      assert.equal(attempts(), index + 2, `after ${pause} ms`);
    }
  });

  it('does not wait for another one that fails', async (t) => {
    const pass = still(t);
    const taken: string[] = [];
    const send: Send = async (arn, body) => {
      if (arn === 'broken') throw new Error('not there');
      taken.push(body);
    };
    await using deliveries = new Deliveries(new DatabaseSync(':memory:'), send, silent, Date.now);
    for (let n = 0; n < 20; n += 1) deliveries.accept([{ targetArn: 'broken', body: `${n}` }]);
    deliveries.accept([{ targetArn: 'whole', body: 'a' }]);
    await pass(0);
    assert.deepEqual(taken, ['a']);
  });

  it('is given up after a day, and not before', async (t) => {
    const pass = still(t);
    const { send, attempts } = target(Number.POSITIVE_INFINITY);
    const db = new DatabaseSync(':memory:');
    await using deliveries = new Deliveries(db, send, silent, Date.now);
    deliveries.accept([{ targetArn: 'q', body: 'a' }]);
    await pass(24 * hour - 1);
    assert.equal(db.prepare('SELECT 1 FROM deliveries').all().length, 1);
    await pass(60_000);
    assert.equal(db.prepare('SELECT 1 FROM deliveries').all().length, 0);
    const tried = attempts();
    await pass(24 * hour);
    assert.equal(attempts(), tried);
  });

  it('accepted by a process that ended is made by the next one on the same database, once', async () => {
    const db = new DatabaseSync(':memory:');
    const dead = new Deliveries(db, () => Promise.reject(new Error('going down')), silent, Date.now);
    dead.accept([{ targetArn: 'q', body: 'a' }]);
    await dead[Symbol.asyncDispose]();
    const { send, taken } = target(0);
    await using _next = new Deliveries(db, send, silent, () => Date.now() + 60_000);
    await new Promise(setImmediate);
    assert.deepEqual(taken, ['a']);
    assert.equal(db.prepare('SELECT 1 FROM deliveries').all().length, 0);
  });

  it('that cannot be noted down, as on a full disk, is made again when it can', async (t) => {
    const pass = still(t);
    const db = new DatabaseSync(':memory:');
    const { send, taken } = target(0);
    await using deliveries = new Deliveries(db, send, silent, Date.now);
    deliveries.accept([{ targetArn: 'q', body: 'a' }]);
    db.exec('PRAGMA query_only = 1');
    await pass(0);
    assert.deepEqual(taken, ['a']);
    db.exec('PRAGMA query_only = 0');
    await pass(1_000);
    assert.deepEqual(taken, ['a', 'a']);
    assert.equal(db.prepare('SELECT 1 FROM deliveries').all().length, 0);
  });

  it('under way is waited for at the end', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<undefined>();
    const send: Send = () => {
      begin(undefined);
      return promise;
    };
    const deliveries = new Deliveries(new DatabaseSync(':memory:'), send, silent, Date.now);
    deliveries.accept([{ targetArn: 'q', body: 'a' }]);
    await begun;
    let ended = false;
    const ending = deliveries[Symbol.asyncDispose]().then(() => (ended = true));
    await new Promise(setImmediate);
    assert.equal(ended, false);
    resolve(undefined);
    await ending;
  });

  it('is accepted with all others of its request or not at all', () => {
    const db = new DatabaseSync(':memory:');
    const deliveries = new Deliveries(db, () => new Promise(() => undefined), silent, Date.now);
    db.exec(
      "CREATE TRIGGER full BEFORE INSERT ON deliveries WHEN new.body = 'b' BEGIN SELECT RAISE(FAIL, 'full'); END",
    );
    const both = ['a', 'b'].map((body) => ({ targetArn: 'q', body }));
    assert.throws(() => deliveries.accept(both), /full/);
    assert.equal(db.prepare('SELECT 1 FROM deliveries').all().length, 0);
  });
});

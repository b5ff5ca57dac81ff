import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { catalog } from '#events/catalog.ts';
import { heldWith, leaseOver, lock, LockToken } from '#events/lock.ts';
import type { Lock, LockCommand, LockEvent } from '#events/lock.ts';
import { foldOf, given } from '#test/support/given.ts';
import { buildId, lockId, workItemId } from '#test/support/ids.ts';
import { laws } from '#test/support/laws.ts';
import type { Step } from '#test/support/laws.ts';

const stream = 'lock/acme/shop#feature/cart';
const at = (n: number): number => Date.UTC(2026, 0, 1) + n * 1000;
const token = (n: number): LockToken => LockToken.parse(n);

const grant = { holder: 'poller:1', lockId: lockId(1), workItemId, buildId: buildId(1), leaseMs: 30_000 };
const other = { holder: 'poller:2', lockId: lockId(2), leaseMs: 30_000 };

const acquired = { type: 'LockAcquired', v: 1, token: token(1), ...grant } as const;
const released = { type: 'LockReleased', v: 1, token: token(1) } as const;
const expired = { type: 'LockExpired', v: 1, token: token(1) } as const;
const forced = { type: 'LockForceReleased', v: 1, token: token(1), reason: 'runner is gone' } as const;
const acquiredNext = { type: 'LockAcquired', v: 1, token: token(3), ...other } as const;

const history = (...facts: LockEvent[]) => given(lock, stream, ...facts);

describe('a lock', () => {
  it('is given with the version of the stream as its token', () => {
    history()
      .when({ type: 'acquire', ...grant, now: at(0) })
      .then(acquired);
    history(acquired, released)
      .when({ type: 'acquire', ...other, now: at(2) })
      .then(acquiredNext);
  });
  it('is given once to one acquisition, however often it asks', () => {
    history(acquired)
      .when({ type: 'acquire', ...grant, now: at(1) })
      .then();
  });
  it('is held against everybody else while the lease runs', () => {
    history(acquired)
      .when({ type: 'acquire', ...other, now: at(30) })
      .refused('held');
    history(acquired)
      .when({ type: 'acquire', ...other, leaseUntil: at(90), now: at(90) })
      .refused('held');
  });
  it('is held for the first lease even when an older mark was read', () => {
    history(acquired)
      .when({ type: 'acquire', ...other, leaseUntil: at(-60), now: at(1) })
      .refused('held');
  });
  it('expires and is given to the next in one step once the lease is over', () => {
    history(acquired)
      .when({ type: 'acquire', ...other, now: at(31) })
      .then(expired, acquiredNext);
    history(acquired)
      .when({ type: 'acquire', ...other, leaseUntil: at(90), now: at(91) })
      .then(expired, acquiredNext);
  });
  it('is given back only with the token it was given with', () => {
    history(acquired)
      .when({ type: 'release', token: token(1) })
      .then(released);
    history(acquired, released)
      .when({ type: 'release', token: token(1) })
      .then();
    history(acquired, released, acquiredNext)
      .when({ type: 'release', token: token(1) })
      .refused('not-the-holder');
    history(acquired)
      .when({ type: 'release', token: token(7) })
      .refused('not-the-holder');
  });
  it('is swept once its lease is over, and not before', () => {
    history(acquired)
      .when({ type: 'expire', leaseUntil: at(40), now: at(41) })
      .then(expired);
    history(acquired)
      .when({ type: 'expire', leaseUntil: at(40), now: at(40) })
      .refused('held');
    history(acquired, expired)
      .when({ type: 'expire', now: at(41) })
      .then();
  });
  it('can be taken from its holder by force, once', () => {
    history(acquired).when({ type: 'force-release', reason: 'runner is gone' }).then(forced);
    history(acquired, forced).when({ type: 'force-release', reason: 'runner is gone' }).then();
  });
  it('must have been held once before anything else can be said of it', () => {
    history()
      .when({ type: 'release', token: token(1) })
      .refused('no-such-lock');
    history()
      .when({ type: 'expire', now: at(0) })
      .refused('no-such-lock');
    history().when({ type: 'force-release', reason: 'none' }).refused('no-such-lock');
  });

  it('shows who holds it, or who held it last and how that ended', () => {
    const row = { lockKey: 'acme/shop#feature/cart', ...grant, token: 1, createdAt: at(0) };
    assert.deepEqual(foldOf(lock, stream, [acquired]), { ...row, status: 'held', streamVersion: 1 });
    const free = { ...row, status: 'free', freedAt: at(1), streamVersion: 2 };
    assert.deepEqual(foldOf(lock, stream, [acquired, released]), { ...free, freedBy: 'released' });
    assert.deepEqual(foldOf(lock, stream, [acquired, expired]), { ...free, freedBy: 'expired' });
    assert.deepEqual(foldOf(lock, stream, [acquired, forced]), {
      ...free,
      freedBy: 'force-released',
      reason: 'runner is gone',
    });
  });
  it('shows nothing of the last holder once the next one has it', () => {
    assert.deepEqual(foldOf(lock, stream, [acquired, forced, acquiredNext]), {
      ...{ lockKey: 'acme/shop#feature/cart', ...other, token: 3, createdAt: at(2), status: 'held', streamVersion: 3 },
    });
  });
  it('is guarded by conditions on its row', () => {
    assert.deepEqual(heldWith(token(3)), [
      { field: 'status', is: 'equal', to: 'held' },
      { field: 'token', is: 'equal', to: 3 },
    ]);
    assert.deepEqual(leaseOver(at(1)), [{ field: 'leaseUntil', is: 'below', to: at(1) }]);
  });
});

describe('the laws of a lock', () => {
  const seen = { now: fc.integer({ min: 0, max: 90 }).map(at) };
  const seenMark = { ...seen, leaseUntil: fc.integer({ min: 0, max: 90 }).map(at) };
  const asked = {
    ...{ holder: fc.constantFrom('poller:1', 'poller:2'), lockId: fc.integer({ min: 1, max: 20 }).map(lockId) },
    leaseMs: fc.constantFrom(1_000, 5_000),
  };
  const command: fc.Arbitrary<LockCommand> = fc.oneof(
    fc.record({ type: fc.constant('acquire'), ...asked, ...seen }),
    fc.record({ type: fc.constant('acquire'), ...asked, ...seenMark, workItemId: fc.constant(workItemId) }),
    fc.record({ type: fc.constant('release'), token: fc.integer({ min: 1, max: 40 }).map(token) }),
    fc.record({ type: fc.constant('expire'), ...seen }),
    fc.record({ type: fc.constant('expire'), ...seenMark }),
    fc.record({ type: fc.constant('force-release'), reason: fc.constant('asked') }),
  );
  const blind = command.map(
    (each): Step<Lock, LockCommand> =>
      () =>
        each,
  );
  const releaseOwn: Step<Lock, LockCommand> = (state) => ({
    type: 'release',
    token: state.status === 'absent' ? token(1) : state.token,
  });
  const step = fc.oneof({ weight: 5, arbitrary: blind }, { weight: 1, arbitrary: fc.constant(releaseOwn) });
  const { always } = laws({ aggregate: catalog.lock, stream, step });

  it('a token is the version at which the lock was acquired, so tokens only grow', () =>
    always(({ history }) =>
      history.forEach((fact) => fact.type === 'LockAcquired' && assert.equal(fact.token, fact.version)),
    ));

  it('there is never a second holder: acquired and freed alternate, and what is freed is what was held', () =>
    always(({ history }) =>
      history.forEach((fact, index) => {
        const acquires = fact.type === 'LockAcquired';
        assert.equal(acquires, index % 2 === 0);
        if (!acquires) assert.equal(fact.token, history[index - 1]?.token);
      }),
    ));
});

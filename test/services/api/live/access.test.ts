import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StoredFact } from '#platform/store.ts';
import type { Role } from '#events/account.ts';
import type { Principal } from '#platform/http/principal.ts';
import { createAccess } from '../../../../services/api/live/access.ts';
import { people } from '../world.ts';

const alice: Principal = { ...people.alice, keyId: 'aliceAAAAAAA0001' };
const bob: Principal = { ...people.bob, keyId: 'bobBBBBBBBBB0001' };

const movedTo = (accountId: string, version: number) => {
  const stream = `account/${accountId}` as const;
  const fact: StoredFact = {
    ...{ id: '01999999-0000-7000-8000-000000000001', stream, version, type: 'ApiKeyRevoked', v: 1 },
    ...{ at: '2026-01-01T00:00:00.000Z', actor: 'api:test', correlationId: 'test' },
  };
  return { shard: 0, position: version, stream, facts: [fact] };
};

/** A keyring that knows what it is told. */
const open = (roles: Record<string, Role | undefined>) => {
  const refreshed: unknown[] = [];
  const access = createAccess({
    renew: async (principal) => {
      const role = roles[principal.accountId];
      return role && { ...principal, role };
    },
    refresh: (...told) => void refreshed.push(told),
  });
  const lost: string[] = [];
  const hold = (principal: Principal) => access.hold(principal, () => lost.push(principal.accountId));
  return { access, refreshed, lost, hold, settle: () => new Promise((resolve) => setImmediate(resolve)) };
};

describe('access of a long connection', () => {
  it('is lost when the account moves and the key is gone, and nobody else’s is', async () => {
    const roles: Record<string, Role | undefined> = { [alice.accountId]: 'member', [bob.accountId]: 'member' };
    const { access, hold, lost, refreshed, settle } = open(roles);
    hold(alice);
    hold(bob);
    await settle();
    roles[alice.accountId] = undefined;
    access.review(movedTo(alice.accountId, 3));
    await settle();
    assert.deepEqual(lost, [alice.accountId]);
    assert.deepEqual(refreshed, [[alice.accountId, 3]]);
  });

  it('is lost at once where the key was revoked just before', async () => {
    const { hold, lost, settle } = open({});
    hold(alice);
    await settle();
    assert.deepEqual(lost, [alice.accountId]);
  });

  it('is not looked into once it is let go, nor for what happens to tasks', async () => {
    const roles: Record<string, Role | undefined> = { [alice.accountId]: 'member' };
    const { access, hold, lost, refreshed, settle } = open(roles);
    hold(alice)[Symbol.dispose]();
    await settle();
    roles[alice.accountId] = 'operator';
    access.review(movedTo(alice.accountId, 3));
    access.review({ ...movedTo(alice.accountId, 4), stream: 'task/x' });
    await settle();
    assert.deepEqual(lost, []);
    assert.equal(refreshed.length, 1);
  });
});

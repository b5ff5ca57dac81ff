import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { account, accountOf, KeyId, Role } from '#events/account.ts';
import type { AccountCommand, AccountEvent } from '#events/account.ts';
import { catalog } from '#events/catalog.ts';
import { foldOf, given } from '#test/support/given.ts';
import { owner, stranger } from '#test/support/ids.ts';
import { laws } from '#test/support/laws.ts';
import type { Step } from '#test/support/laws.ts';

const stream = `account/${owner}` as const;
const at = (n: number): number => Date.UTC(2026, 0, 1) + n * 1000;
const keyOf = (account: string, n: number): KeyId => KeyId.parse(`${account}${String(n).padStart(4, '0')}`);

const key = { keyId: keyOf(owner, 1), name: 'laptop', secretSha256: 'a'.repeat(64) };
const otherKey = { keyId: keyOf(owner, 2), name: 'pipeline', secretSha256: 'b'.repeat(64) };

const invited = { type: 'UserInvited', v: 1, name: 'Ada', role: 'member' } as const;
const issued = { type: 'ApiKeyIssued', v: 1, ...key } as const;
const revoked = { type: 'ApiKeyRevoked', v: 1, keyId: key.keyId } as const;

const history = (...facts: AccountEvent[]) => given(account, stream, ...facts);

describe('an account', () => {
  it('begins with an invitation, and saying it again changes nothing', () => {
    history().when({ type: 'invite', name: 'Ada', role: 'member' }).then(invited);
    history(invited).when({ type: 'invite', name: 'Ada', role: 'member' }).then();
  });
  it('is not given to somebody else, or another role, by an invitation', () => {
    history(invited).when({ type: 'invite', name: 'Grace', role: 'member' }).refused('already-invited');
    history(invited).when({ type: 'invite', name: 'Ada', role: 'admin' }).refused('already-invited');
  });
  it('changes its role once per change', () => {
    history(invited)
      .when({ type: 'change-role', role: 'operator' })
      .then({ type: 'RoleChanged', v: 1, role: 'operator' });
    history(invited).when({ type: 'change-role', role: 'member' }).then();
  });
  it('gets a key once, however often it is issued', () => {
    history(invited)
      .when({ type: 'issue-key', ...key })
      .then(issued);
    history(invited, issued)
      .when({ type: 'issue-key', ...key })
      .then();
  });
  it('never gives an id of a key to another secret, nor back to a revoked one', () => {
    history(invited, issued)
      .when({ type: 'issue-key', ...key, secretSha256: 'c'.repeat(64) })
      .refused('key-id-taken');
    history(invited, issued, revoked)
      .when({ type: 'issue-key', ...key })
      .refused('key-id-taken');
  });
  it('issues only keys that name it', () => {
    history(invited)
      .when({ type: 'issue-key', ...key, keyId: keyOf(stranger, 1) })
      .refused('key-of-another-account');
    assert.equal(accountOf(key.keyId), owner);
  });
  it('revokes a key once', () => {
    history(invited, issued).when({ type: 'revoke-key', keyId: key.keyId }).then(revoked);
    history(invited, issued, revoked).when({ type: 'revoke-key', keyId: key.keyId }).then();
    history(invited, issued).when({ type: 'revoke-key', keyId: otherKey.keyId }).refused('no-such-key');
  });
  it('must exist before anything can be said of it', () => {
    history().when({ type: 'change-role', role: 'admin' }).refused('no-such-account');
    history()
      .when({ type: 'issue-key', ...key })
      .refused('no-such-account');
    history().when({ type: 'revoke-key', keyId: key.keyId }).refused('no-such-account');
  });
  it('shows its role and its keys, the revoked ones as revoked', () => {
    const facts = [
      invited,
      issued,
      { ...issued, ...otherKey },
      { type: 'RoleChanged', v: 1, role: 'admin' },
      revoked,
    ] as const;
    assert.deepEqual(foldOf(account, stream, facts), {
      ...{ accountId: owner, status: 'active', name: 'Ada', role: 'admin', createdAt: at(0) },
      keys: [
        { ...key, issuedAt: at(1), revokedAt: at(4) },
        { ...otherKey, issuedAt: at(2) },
      ],
    });
  });
});

describe('the laws of an account', () => {
  const role = fc.constantFrom(...Role.options);
  const keyId = fc
    .tuple(fc.constantFrom(owner, owner, owner, stranger), fc.integer({ min: 1, max: 4 }))
    .map(([account, n]) => keyOf(account, n));
  const name = fc.constantFrom('Ada', 'Grace');
  const secretSha256 = fc.constantFrom('a'.repeat(64), 'b'.repeat(64));
  const command: fc.Arbitrary<AccountCommand> = fc.oneof(
    fc.record({ type: fc.constant('invite'), name, role }),
    fc.record({ type: fc.constant('change-role'), role }),
    fc.record({ type: fc.constant('issue-key'), keyId, name, secretSha256 }),
    fc.record({ type: fc.constant('revoke-key'), keyId }),
  );
  const step = command.map(
    (each): Step<unknown, AccountCommand> =>
      () =>
        each,
  );
  const { always } = laws({ aggregate: catalog.account, stream, step });

  it('a key id stands for one secret, of this account, and is issued and revoked once', () =>
    always(({ history }) => {
      const issues = history.filter((fact) => fact.type === 'ApiKeyIssued');
      assert.equal(new Set(issues.map(({ keyId }) => keyId)).size, issues.length);
      assert.ok(issues.every(({ keyId }) => accountOf(keyId) === owner));
      const revocations = history.filter((fact) => fact.type === 'ApiKeyRevoked');
      assert.equal(new Set(revocations.map(({ keyId }) => keyId)).size, revocations.length);
    }));
});

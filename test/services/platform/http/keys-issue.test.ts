import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Account } from '#events/account.ts';
import { makeAccountId, makeKey } from '#platform/http/api-key.ts';
import { issueKey } from '#platform/http/keys-issue.ts';
import { memoryStore } from '#platform/memory/store.ts';
import type { Origin } from '#platform/store.ts';

const origin: Origin = { actor: 'api:test', correlationId: 'test' };
const clock = (): number => Date.UTC(2026, 0, 1);

describe('issuing a key', () => {
  it('makes the account with the role and the hash of the key, and keeps the secret nowhere', async () => {
    const store = memoryStore({ shards: 1, clock });
    const accountId = makeAccountId();
    const key = makeKey(accountId);
    const issued = await issueKey({ accountId, name: 'alice', role: 'operator', key }, store, clock, origin);
    assert.equal(issued.outcome, 'appended');
    const stored = await store.readRow(`account/${accountId}`);
    const account = Account.parse(stored?.row);
    assert.equal(account.role, 'operator');
    assert.deepEqual(
      account.keys.map(({ keyId, secretSha256 }) => ({ keyId, secretSha256 })),
      [{ keyId: key.keyId, secretSha256: key.secretSha256 }],
    );
    const written = JSON.stringify([stored, await store.readStream(`account/${accountId}`, 0)]);
    assert.equal(written.includes(key.key.split('_')[2] ?? '-'), false);
  });

  it('repeated with the same arguments changes nothing', async () => {
    const store = memoryStore({ shards: 1, clock });
    const accountId = makeAccountId();
    const newcomer = { accountId, name: 'alice', role: 'member', key: makeKey(accountId) } as const;
    await issueKey(newcomer, store, clock, origin);
    assert.equal((await issueKey(newcomer, store, clock, origin)).outcome, 'unchanged');
    assert.equal((await store.readStream(`account/${accountId}`, 0)).length, 2);
  });

  it('is refused for an account that somebody else has', async () => {
    const store = memoryStore({ shards: 1, clock });
    const accountId = makeAccountId();
    await issueKey({ accountId, name: 'alice', role: 'member', key: makeKey(accountId) }, store, clock, origin);
    const again = { accountId, name: 'mallory', role: 'admin', key: makeKey(accountId) } as const;
    const refused = await issueKey(again, store, clock, origin);
    assert.equal(refused.outcome === 'refused' && refused.refusal, 'already-invited');
  });
});

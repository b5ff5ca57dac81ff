import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { catalog } from '#events/catalog.ts';
import { handler } from '#platform/handle.ts';
import { makeAccountId, makeKey } from '#platform/http/api-key.ts';
import { keyring } from '#platform/http/keyring.ts';
import type { Keyring } from '#platform/http/keyring.ts';
import { issueKey } from '#platform/http/keys-issue.ts';
import { memoryStore } from '#platform/memory/store.ts';
import type { Origin, ReadRow, Store } from '#platform/store.ts';

const origin: Origin = { actor: 'api:test', correlationId: 'test' };

describe('the keyring', () => {
  const accountId = makeAccountId();
  const made = makeKey(accountId);
  const principal = { accountId, role: 'member', keyId: made.keyId } as const;
  let now: number;
  let reads: number;
  let store: Store;
  let keys: Keyring;
  const clock = (): number => now;

  beforeEach(async () => {
    now = Date.UTC(2026, 0, 1);
    reads = 0;
    store = memoryStore({ shards: 1, clock });
    await issueKey({ accountId, name: 'alice', role: 'member', key: made }, store, clock, origin);
    const counted: ReadRow = (stream) => {
      reads += 1;
      return store.readRow(stream);
    };
    keys = keyring(counted, clock);
  });

  const change = (command: Parameters<ReturnType<typeof accountHandler>>[1]) =>
    accountHandler(store)(`account/${accountId}`, command, origin);
  const accountHandler = (of: Store) => handler(catalog.account.decider, catalog.account.parseRow, of, clock);

  it('knows who holds a key', async () => assert.deepEqual(await keys.authenticate(made.key), principal));

  it('does not know a key of the right account with another secret, nor one of an unknown account', async () => {
    assert.equal(await keys.authenticate(makeKey(accountId).key), undefined);
    const { key } = makeKey(makeAccountId());
    assert.equal(await keys.authenticate(key), undefined);
    const another = makeKey(accountId);
    await change({ type: 'issue-key', name: 'other', keyId: another.keyId, secretSha256: made.secretSha256 });
    keys.refresh(accountId, 3);
    assert.equal(await keys.authenticate(another.key), undefined);
  });

  it('asks the store nothing about what is no key', async () => {
    assert.equal(await keys.authenticate('kd_garbage'), undefined);
    assert.equal(reads, 0);
  });

  it('asks the store once for many questions at the same moment', async () => {
    await Promise.all(Array.from({ length: 20 }, () => keys.authenticate(made.key)));
    assert.equal(reads, 1);
  });

  it('lets a revoked key in no longer than it remembers', async () => {
    await keys.authenticate(made.key);
    await change({ type: 'revoke-key', keyId: made.keyId });
    now += 4_999;
    assert.deepEqual(await keys.authenticate(made.key), principal);
    now += 1;
    assert.equal(await keys.authenticate(made.key), undefined);
    assert.equal(await keys.renew(principal), undefined);
  });

  it('knows of a revocation or another role as soon as it is told that the account has moved', async () => {
    await keys.authenticate(made.key);
    await change({ type: 'change-role', role: 'operator' });
    keys.refresh(accountId, 3);
    assert.deepEqual(await keys.renew(principal), { ...principal, role: 'operator' });
    await change({ type: 'revoke-key', keyId: made.keyId });
    keys.refresh(accountId, 4);
    assert.equal(await keys.authenticate(made.key), undefined);
  });

  it('told of a version waits until the store shows it', async () => {
    keys.refresh(accountId, 3);
    const asked = keys.authenticate(made.key);
    await keys.authenticate(makeKey(makeAccountId()).key);
    await change({ type: 'revoke-key', keyId: made.keyId });
    assert.equal(await asked, undefined);
  });

  it('knows a key from the moment it is issued, also where it heard of the account before', async () => {
    const newcomer = makeAccountId();
    const key = makeKey(newcomer);
    const stream = `account/${newcomer}` as const;
    await accountHandler(store)(stream, { type: 'invite', name: 'bob', role: 'member' }, origin);
    keys.refresh(newcomer, 1);
    await accountHandler(store)(stream, { type: 'issue-key', name: 'first', ...key }, origin);
    assert.equal((await keys.authenticate(key.key))?.accountId, newcomer);
  });

  it('knows another key from the moment it is issued, also while it remembers the account without it', async () => {
    await keys.authenticate(made.key);
    const another = makeKey(accountId);
    await change({ type: 'issue-key', name: 'another', ...another });
    assert.deepEqual(await keys.authenticate(another.key), { ...principal, keyId: another.keyId });
    assert.deepEqual([await keys.authenticate(made.key), reads], [principal, 2]);
  });

  it('does not remember that the store failed', async () => {
    let fails = true;
    const flaky = keyring(async (stream) => {
      if (fails) throw new Error('away');
      return store.readRow(stream);
    }, clock);
    await assert.rejects(flaky.authenticate(made.key), { message: 'away' });
    fails = false;
    assert.deepEqual(await flaky.authenticate(made.key), principal);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accountOf } from '#events/account.ts';
import { hashOf, makeAccountId, makeKey, parseKey, randomBase62, sameHash } from '#platform/http/api-key.ts';

describe('an API key', () => {
  it('reads back as the id and the hash it was made with, and its id begins with its account', () => {
    const accountId = makeAccountId();
    const { key, keyId, secretSha256 } = makeKey(accountId);
    assert.match(key, /^kd_[0-9A-Za-z]{16}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
    assert.deepEqual(parseKey(key), { keyId, secretSha256 });
    assert.equal(accountOf(keyId), accountId);
  });

  it('with one character changed anywhere is no key', () => {
    const { key } = makeKey(makeAccountId());
    for (let at = 0; at < key.length; at += 1) {
      const other = key.charAt(at) === 'x' ? 'y' : 'x';
      assert.equal(parseKey(key.slice(0, at) + other + key.slice(at + 1)), undefined, `position ${at}`);
    }
  });

  it('is nothing else than a whole key', () => {
    const { key } = makeKey(makeAccountId());
    for (const text of ['', 'kd_', key.slice(1), `${key}x`, ` ${key}`, `${key}\n`, key.toUpperCase()]) {
      assert.equal(parseKey(text), undefined, JSON.stringify(text));
    }
  });

  it('is never made twice, and uses every character', () => {
    const accountId = makeAccountId();
    const keys = new Set(Array.from({ length: 200 }, () => makeKey(accountId).key));
    assert.equal(keys.size, 200);
    assert.equal(new Set(randomBase62(10_000)).size, 62);
  });

  it('is compared by its whole hash', () => {
    const hash = hashOf('secret');
    assert.equal(sameHash(hash, hashOf('secret')), true);
    assert.equal(sameHash(hash, hashOf('secreT')), false);
    assert.equal(sameHash(hash, hash.slice(1)), false);
  });
});

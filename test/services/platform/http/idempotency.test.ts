import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AccountId } from '#events/ids.ts';
import { canonicalJson, dedupeOf, IdempotencyKey, idempotencyMs, requestHash } from '#platform/http/idempotency.ts';

const alice = { accountId: AccountId.parse('aliceAAAAAAA'), role: 'member', keyId: 'aliceAAAAAAA0001' } as const;
const request = { principal: alice, method: 'POST', path: '/api/chat', body: { a: 1, b: [1, { c: 2, d: 3 }] } };

/** The same value with the fields of every object the other way round. */
const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
};

describe('an Idempotency-Key', () => {
  it('has 1 to 255 visible ASCII characters', () => {
    for (const key of ['a', '"quoted"', 'x'.repeat(255)]) assert.equal(IdempotencyKey.safeParse(key).success, true);
    for (const key of ['', 'with space', 'ü', 'x'.repeat(256), 'a\n']) {
      assert.equal(IdempotencyKey.safeParse(key).success, false, JSON.stringify(key));
    }
  });

  it('means the same request whatever the order of its fields', () =>
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        const there: unknown = JSON.parse(JSON.stringify(body));
        assert.equal(canonicalJson(reversed(there)), canonicalJson(there));
        assert.deepEqual(JSON.parse(canonicalJson(there)), there);
      }),
    ));

  it('means another request with another account, method, path or body, and not with another key of the account', () => {
    const hash = requestHash(request);
    const bob = { ...alice, accountId: AccountId.parse('bobBBBBBBBBB') };
    for (const other of [{ principal: bob }, { method: 'PUT' }, { path: '/api/other' }, { body: { a: 1 } }]) {
      assert.notEqual(requestHash({ ...request, ...other }), hash, Object.keys(other).join());
    }
    assert.equal(requestHash({ ...request, principal: { ...alice, keyId: 'aliceAAAAAAA0002' } }), hash);
  });

  it('belongs to the account and lives a day', () => {
    const dedupe = dedupeOf('mine', request, 'result', 1_000);
    assert.deepEqual(dedupe, {
      key: 'aliceAAAAAAA:mine',
      requestHash: requestHash(request),
      result: 'result',
      expiresAt: 1_000 + idempotencyMs,
    });
    assert.equal(idempotencyMs, 86_400_000);
  });
});

/** More people than one: accounts with a key each, made in the store of an embedded AWS. */
import assert from 'node:assert/strict';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { makeAccountId, makeKey } from '#platform/http/api-key.ts';
import { issueKey } from '#platform/http/keys-issue.ts';
import type { Aws } from '#test/support/aws.ts';

export const issueKeys = async ({ clients, names }: Aws, count: number): Promise<string[]> => {
  const store = dynamoStore({ client: clients.dynamodb, names, shards: 16, clock: Date.now });
  const keys: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const accountId = makeAccountId();
    const made = makeKey(accountId);
    const origin = { actor: 'api:issue-key', correlationId: `overload-${n}` } as const;
    const newcomer = { accountId, name: `person ${n}`, role: 'member', key: made } as const;
    assert.equal((await issueKey(newcomer, store, Date.now, origin)).outcome, 'appended');
    keys.push(made.key);
  }
  return keys;
};

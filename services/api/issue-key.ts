/** `node services/api/issue-key.ts --name alice --role member` makes an account and prints its key, once. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { Role } from '#events/account.ts';
import { readConfig, storeConfig } from '#platform/config.ts';
import { dynamoClient } from '#platform/dynamodb/client.ts';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { makeAccountId, makeKey } from '#platform/http/api-key.ts';
import { issueKey } from '#platform/http/keys-issue.ts';
import { runMain, StartFault } from '#platform/lifetime.ts';
import { namesOf } from '#platform/names.ts';
import { uuidv7 } from '#platform/uuid.ts';

const usage = 'usage: node services/api/issue-key.ts --name <name> [--role member|operator|admin]';

const Asked = z.object({ name: z.string().min(1).max(200), role: Role.default('member') });

const readArguments = (): z.infer<typeof Asked> => {
  try {
    const { values } = parseArgs({ options: { name: { type: 'string' }, role: { type: 'string' } } });
    return Asked.parse(values);
  } catch (cause) {
    throw new StartFault(usage, { cause, exitCode: 64 });
  }
};

await runMain(async () => {
  const { name, role } = readArguments();
  const config = readConfig(storeConfig, process.env);
  using resources = new DisposableStack();
  const client = resources.adopt(dynamoClient(), (each) => each.destroy());
  const names = namesOf(config.RESOURCE_PREFIX);
  // Instances hear of it by looking at the log, or when the key is first used.
  const store = dynamoStore({ client, names, shards: config.LOG_SHARDS, clock: Date.now });
  const accountId = makeAccountId();
  const made = makeKey(accountId);
  const origin = { actor: 'api:issue-key', correlationId: uuidv7(Date.now()) } as const;
  const issued = await issueKey({ accountId, name, role, key: made }, store, Date.now, origin);
  if (issued.outcome !== 'appended') throw new StartFault(`the key was not issued: ${issued.outcome}`);
  process.stdout.write(`${made.key}\n`);
});

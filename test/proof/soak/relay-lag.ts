/** How far the relay is behind the log: the time until it has remembered what was the newest position of a shard. */
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { setTimeout as pause } from 'node:timers/promises';
import { dynamoClient } from '#platform/dynamodb/client.ts';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { namesOf } from '#platform/names.ts';
import { environmentOfRunning } from '../../../services/local/running.ts';

/** Longer than this is told as this. */
const giveUpMs = 10_000;

export const relayLag = (dataDir: string) => {
  const env = environmentOfRunning(dataDir);
  const names = namesOf(env['RESOURCE_PREFIX'] ?? '');
  const client = dynamoClient({
    endpoint: env['AWS_ENDPOINT_URL_DYNAMODB'] ?? '',
    region: env['AWS_REGION'] ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const { readHead, shards } = dynamoStore({ client, names, shards: 16, clock: Date.now });
  const remembered = async (shard: number): Promise<number> => {
    const Key = { pk: { S: 'shard#relay' }, sk: { S: String(shard) } };
    const { Item } = await client.send(
      new GetItemCommand({ TableName: names.tables.runtime, Key, ConsistentRead: true }),
    );
    return Number(Item?.['position']?.N ?? 0);
  };
  const once = async (shard: number): Promise<number> => {
    const head = await readHead(shard);
    const since = performance.now();
    while ((await remembered(shard)) < head && performance.now() - since < giveUpMs) await pause(10);
    return performance.now() - since;
  };
  return {
    /** Four looks a second, at one shard after the other, until `signal` aborts. */
    watch: async (signal: AbortSignal): Promise<number[]> => {
      const lags: number[] = [];
      for (let n = 0; !signal.aborted; n += 1) {
        lags.push(await once(n % shards));
        await pause(250);
      }
      client.destroy();
      return lags;
    },
  };
};

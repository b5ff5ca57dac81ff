/** Reads a whole log: as a rebuild does, every fact parsed and folded into its row, or as bare queries that look at nothing. */
import { QueryCommand } from '@aws-sdk/client-dynamodb';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { rebuild } from '#events/catalog.ts';
import { kindOf } from '#events/envelope.ts';
import type { StreamId } from '#events/envelope.ts';
import { dynamoClient } from '#platform/dynamodb/client.ts';
import { logKey } from '#platform/dynamodb/keys.ts';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { namesOf } from '#platform/names.ts';
import type { StoredFact } from '#platform/store.ts';
import { answerJobs } from '../child.ts';
import { prefix, shards } from '../seed.ts';

const names = namesOf(prefix);
const client = dynamoClient();
const store = dynamoStore({ client, names, shards, clock: Date.now });

const everyShard = <Value>(read: (shard: number) => Promise<Value>): Promise<Value[]> =>
  Promise.all(Array.from({ length: shards }, (_, shard) => read(shard)));

const readShard = async (shard: number): Promise<StoredFact[]> => {
  const facts: StoredFact[] = [];
  let after = 0;
  for (;;) {
    const commits = await store.readLog(shard, after);
    facts.push(...commits.flatMap((commit) => commit.facts));
    const last = commits.at(-1);
    if (last === undefined) return facts;
    after = last.position;
  }
};

const queryShard = async (shard: number): Promise<number> => {
  let items = 0;
  let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: names.tables.events,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: logKey(shard) } },
        ExclusiveStartKey,
      }),
    );
    items += page.Items?.length ?? 0;
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return items;
};

answerJobs({
  /** How many rows the log comes to. */
  rebuild: async () => {
    const streams = new Map<StreamId, StoredFact[]>();
    for (const fact of (await everyShard(readShard)).flat()) {
      const facts = streams.get(fact.stream) ?? [];
      facts.push(fact);
      streams.set(fact.stream, facts);
    }
    return streams.entries().reduce((rows, [stream, facts]) => {
      return rebuild(kindOf(stream), facts).status === 'absent' ? rows : rows + 1;
    }, 0);
  },
  /** How many commits there are. */
  query: async () => (await everyShard(queryShard)).reduce((sum, items) => sum + items, 0),
});

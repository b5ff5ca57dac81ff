/** Everything that is stored, read past the store itself: a checker sees what the store would not show. */
import { GetItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { StreamId, streamKinds } from '#events/envelope.ts';
import { keyFieldOf } from '#platform/append-check.ts';
import { fieldsOf, itemOf } from '#platform/dynamodb/item.ts';
import type { Fields, Item } from '#platform/dynamodb/item.ts';
import { storedRowOf } from '#platform/dynamodb/rows.ts';
import { factOf, factsOf } from '#platform/fact-text.ts';
import type { Names } from '#platform/names.ts';
import type { Commit, StoredFact, StoredRow } from '#platform/store.ts';
import type { Stored } from './history.ts';

async function* itemsOf(client: DynamoDBClient, TableName: string): AsyncGenerator<Item> {
  let ExclusiveStartKey: Item | undefined;
  do {
    const page = await client.send(new ScanCommand({ TableName, ConsistentRead: true, ExclusiveStartKey }));
    yield* page.Items ?? [];
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
}

const Key = z.looseObject({ pk: z.string() });
const CommitItem = z.object({ pk: z.string(), sk: z.int(), stream: StreamId, facts: z.string() });
const FactItem = z.object({ pk: z.string(), sk: z.int(), fact: z.string() });

const commitOf = (item: Fields): Commit => {
  const { pk, sk: position, stream, facts } = CommitItem.parse(item);
  return { shard: Number(pk.slice(2)), position, stream, facts: factsOf(facts) };
};

/** With the version under which it is kept: what it says of itself is not believed. */
const placed = (item: Fields): readonly [StreamId, StoredFact] => {
  const { pk, sk: version, fact } = FactItem.parse(item);
  return [StreamId.parse(pk.slice(2)), { ...factOf(fact), version }];
};

/** By the tables themselves: also facts that no log and no row knows of. No snapshot: nobody may write meanwhile. */
export const readStored = async (
  client: DynamoDBClient,
  { tables }: Pick<Names, 'tables'>,
  shards: number,
): Promise<Stored> => {
  const log: Commit[][] = Array.from({ length: shards }, () => []);
  const streams = new Map<StreamId, StoredFact[]>();
  for await (const item of itemsOf(client, tables.events)) {
    const fields = fieldsOf(item);
    const { pk } = Key.parse(fields);
    if (pk.startsWith('L#')) {
      const commit = commitOf(fields);
      log[commit.shard]?.push(commit);
    } else if (pk.startsWith('S#')) {
      const [stream, fact] = placed(fields);
      streams.set(stream, [...(streams.get(stream) ?? []), fact]);
    }
  }
  for (const facts of streams.values()) facts.sort((a, b) => a.version - b.version);
  for (const commits of log) commits.sort((a, b) => a.position - b.position);
  const rows = new Map<StreamId, StoredRow>();
  for (const kind of streamKinds)
    for await (const item of itemsOf(client, tables[kind])) {
      const stored = storedRowOf(item);
      rows.set(StreamId.parse(`${kind}/${String(stored.row[keyFieldOf(kind)])}`), stored);
    }
  return { streams, rows, log };
};

const Remembered = z.object({ position: z.int() });

/** How far a subscription says it is, by shard; 0 where it never was. */
export const readRemembered = async (
  client: DynamoDBClient,
  { tables: { runtime } }: Pick<Names, 'tables'>,
  subscription: string,
  shards: number,
): Promise<number[]> =>
  Promise.all(
    Array.from({ length: shards }, async (_, shard) => {
      const Key = itemOf({ pk: `shard#${subscription}`, sk: String(shard) });
      const { Item } = await client.send(new GetItemCommand({ TableName: runtime, Key, ConsistentRead: true }));
      return Item ? Remembered.parse(fieldsOf(Item)).position : 0;
    }),
  );

/** Reading facts and the log, strongly consistent. */
import { GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { StreamId } from '#events/envelope.ts';
import { factOf, factsOf, readLimit } from '../fact-text.ts';
import type { Names } from '../names.ts';
import type { Commit, ReadHead, ReadLog, ReadStream } from '../store.ts';
import type { CommitMemory } from './commit-memory.ts';
import { expression } from './expression.ts';
import { fieldsOf, itemOf } from './item.ts';
import type { Item } from './item.ts';
import { logKey, streamKey } from './keys.ts';

export type Facts = {
  readonly readStream: ReadStream;
  readonly readLog: ReadLog;
  readonly readHead: ReadHead;
  /** The log position of one fact, if this id is what the stream holds at this version. */
  readonly positionOf: (stream: StreamId, version: number, id: string | undefined) => Promise<number | undefined>;
};

/** A page holds 1 MB. More than this at once is given to nobody, however many items were asked for. */
const pagesMax = 8;

const FactItem = z.object({ fact: z.string() });
const FactPlace = z.object({ id: z.string(), position: z.int().positive() });
const Head = z.object({ sk: z.int().positive() });
const CommitItem = z.object({ sk: z.int().positive(), stream: StreamId, facts: z.string() });
const commitFields = ['sk', 'stream', 'facts'];

/**
 * Items of one partition after `after`, in order of their sort key, following pages up to `limit`. Only these fields are read: the SDK
 * takes longer to decode what is not looked at than everything else takes together.
 */
const itemsAfter = async (
  client: DynamoDBClient,
  [TableName, pk, fields]: readonly [string, string, readonly string[]],
  after: number,
  limit: number,
): Promise<Item[]> => {
  const within = expression();
  const input: QueryCommandInput = {
    TableName,
    ConsistentRead: true,
    KeyConditionExpression: `${within.name('pk')} = ${within.value(pk)} AND ${within.name('sk')} > ${within.value(after)}`,
    ProjectionExpression: fields.map(within.name).join(', '),
    ...within.placeholders(),
  };
  const items: Item[] = [];
  let ExclusiveStartKey: Item | undefined;
  for (let pages = 0; pages < pagesMax && items.length < limit; pages += 1) {
    const page = await client.send(new QueryCommand({ ...input, Limit: limit - items.length, ExclusiveStartKey }));
    items.push(...(page.Items ?? []));
    ExclusiveStartKey = page.LastEvaluatedKey;
    if (ExclusiveStartKey === undefined) break;
  }
  return items;
};

const commitsOf = (items: readonly Item[], shard: number, after: number): Commit[] => {
  const commits: Commit[] = [];
  for (const item of items) {
    const { sk: position, stream, facts } = CommitItem.parse(fieldsOf(item));
    // A query is no snapshot: what lies beyond a hole was written after what will fill it.
    if (position !== after + commits.length + 1) break;
    commits.push({ shard, position, stream, facts: factsOf(facts) });
  }
  return commits;
};

/** What `own` holds is not fetched. */
export const factsFrom = (
  client: DynamoDBClient,
  { tables: { events } }: Pick<Names, 'tables'>,
  own: Pick<CommitMemory, 'recall'>,
): Facts => ({
  readStream: async (stream, after, limit = readLimit) => {
    const items = await itemsAfter(client, [events, streamKey(stream), ['fact']], after, limit);
    return items.map((item) => factOf(FactItem.parse(fieldsOf(item)).fact));
  },
  readLog: async (shard, after, limit = readLimit) => {
    const known = own.recall(shard, after, limit);
    if (known.length > 0) return known;
    return commitsOf(await itemsAfter(client, [events, logKey(shard), commitFields], after, limit), shard, after);
  },
  readHead: async (shard) => {
    const { Items: [newest] = [] } = await client.send(
      new QueryCommand({
        TableName: events,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: itemOf({ ':pk': logKey(shard) }),
        ProjectionExpression: 'sk',
        ScanIndexForward: false,
        Limit: 1,
      }),
    );
    return newest === undefined ? 0 : Head.parse(fieldsOf(newest)).sk;
  },
  positionOf: async (stream, version, id) => {
    const Key = itemOf({ pk: streamKey(stream), sk: version });
    const { Item } = await client.send(new GetItemCommand({ TableName: events, Key, ConsistentRead: true }));
    const fact = Item && FactPlace.parse(fieldsOf(Item));
    return fact?.id === id ? fact?.position : undefined;
  },
});

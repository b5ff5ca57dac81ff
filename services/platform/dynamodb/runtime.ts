/** The operational records in the runtime table. A lease is compared with our clock in the condition; deletion by TTL only tidies up. */
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient, UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import type { Names } from '../names.ts';
import { clocksDifferMs } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { expression } from './expression.ts';
import type { Expression } from './expression.ts';
import { fieldsOf, itemOf } from './item.ts';

const Claim = z.object({ position: z.int().nonnegative() });
const Installation = z.object({ shards: z.int().positive() });
const Note = z.object({ value: z.string() });

const noteKey = (key: string) => ({ pk: `note#${key}`, sk: 'note' });

/** Nothing when the condition did not hold. */
const unlessRefused = async <Answer>(sent: Promise<Answer>): Promise<Answer | undefined> => {
  try {
    return await sent;
  } catch (fault) {
    if (fault instanceof ConditionalCheckFailedException) return undefined;
    throw fault;
  }
};

export type DynamoRuntimeOptions = {
  readonly client: DynamoDBClient;
  readonly names: Pick<Names, 'tables'>;
  readonly clock: () => number;
};

const shardsIn = ({ client, names, clock }: DynamoRuntimeOptions) => {
  const update = (
    [subscription, shard]: readonly [string, number],
    change: (within: Expression) => Pick<UpdateItemCommandInput, 'UpdateExpression' | 'ConditionExpression'>,
  ) => {
    const within = expression();
    const Key = itemOf({ pk: `shard#${subscription}`, sk: String(shard) });
    const expressions = { ...change(within), ...within.placeholders() };
    const request = { TableName: names.tables.runtime, Key, ...expressions, ReturnValues: 'ALL_NEW' } as const;
    return unlessRefused(client.send(new UpdateItemCommand(request)));
  };
  return {
    claimShard: async (subscription, shard, holder, leaseMs) => {
      const now = clock();
      const claimed = await update([subscription, shard], ({ name, value }) => {
        const [who, until, position] = [name('holder'), name('leaseUntil'), name('position')];
        const isWrong = `${until} > ${value(now + leaseMs + clocksDifferMs)}`;
        return {
          UpdateExpression: `SET ${who} = ${value(holder)}, ${until} = ${value(now + leaseMs)}, ${position} = if_not_exists(${position}, ${value(0)})`,
          ConditionExpression: `attribute_not_exists(${who}) OR ${who} = ${value(holder)} OR ${until} <= ${value(now)} OR ${isWrong}`,
        };
      });
      return claimed && Claim.parse(fieldsOf(claimed.Attributes ?? {}));
    },
    rememberPosition: async (subscription, shard, holder, position) => {
      const remembered = await update([subscription, shard], ({ name, value }) => ({
        UpdateExpression: `SET ${name('position')} = ${value(position)}`,
        ConditionExpression: `${name('holder')} = ${value(holder)}`,
      }));
      return remembered ? 'remembered' : 'lost';
    },
    releaseShard: async (subscription, shard, holder) => {
      await update([subscription, shard], ({ name, value }) => ({
        UpdateExpression: `REMOVE ${name('holder')}, ${name('leaseUntil')}`,
        ConditionExpression: `${name('holder')} = ${value(holder)}`,
      }));
    },
  } satisfies Partial<Runtime>;
};

export const dynamoRuntime = (options: DynamoRuntimeOptions): Runtime => {
  const { client, names, clock } = options;
  const TableName = names.tables.runtime;
  return {
    fixShards: async (wanted) => {
      const fixed = await client.send(
        new UpdateItemCommand({
          TableName,
          Key: itemOf({ pk: 'installation', sk: 'log' }),
          UpdateExpression: 'SET #shards = if_not_exists(#shards, :wanted)',
          ExpressionAttributeNames: { '#shards': 'shards' },
          ExpressionAttributeValues: itemOf({ ':wanted': wanted }),
          ReturnValues: 'ALL_NEW',
        }),
      );
      return Installation.parse(fieldsOf(fixed.Attributes ?? {})).shards;
    },
    ...shardsIn(options),
    putNote: async (key, value, expiresAt) => {
      // DynamoDB deletes late and wants seconds; what counts is the comparison.
      const note = { ...noteKey(key), value, until: expiresAt, expiresAt: Math.ceil(expiresAt / 1000) };
      await client.send(new PutItemCommand({ TableName, Item: itemOf(note) }));
    },
    takeNote: async (key) => {
      const taken = await unlessRefused(
        client.send(
          new DeleteItemCommand({
            TableName,
            Key: itemOf(noteKey(key)),
            ConditionExpression: '#until > :now',
            ExpressionAttributeNames: { '#until': 'until' },
            ExpressionAttributeValues: itemOf({ ':now': clock() }),
            ReturnValues: 'ALL_OLD',
          }),
        ),
      );
      return taken && Note.parse(fieldsOf(taken.Attributes ?? {})).value;
    },
  };
};

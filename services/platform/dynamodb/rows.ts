/** Rows: reading one, setting its marks, and knowing which fields it has. Reads are strongly consistent. */
import {
  ConditionalCheckFailedException,
  GetItemCommand,
  TransactionConflictException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import type { StreamId } from '#events/envelope.ts';
import { checkMarks, isMark } from '../append-check.ts';
import type { Names } from '../names.ts';
import type { MarkRow, ReadRow, Row, StoredRow } from '../store.ts';
import { untilCalm } from './contention.ts';
import { expression, termsOf } from './expression.ts';
import { fieldMemory } from './field-memory.ts';
import { fieldsOf } from './item.ts';
import type { Item } from './item.ts';
import { rowKey } from './keys.ts';

export type Rows = {
  readonly readRow: ReadRow;
  readonly markRow: MarkRow;
  /** The fields of the row at `version`; of a row that is at another version, nothing. */
  readonly fieldsAt: (stream: StreamId, version: number) => Promise<readonly string[]>;
  readonly rememberFields: (stream: StreamId, version: number, row: Row) => void;
};

const Marks = z.record(z.string(), z.number());
const RowItem = z.looseObject({ version: z.int().positive() });

export const storedRowOf = (item: Item): StoredRow => {
  const { version, ...rest } = RowItem.parse(fieldsOf(item));
  const fields = Object.entries(rest);
  const marks = Marks.parse(Object.fromEntries(fields.filter(([field]) => isMark(field))));
  return { version, row: Object.fromEntries(fields.filter(([field]) => !isMark(field))), marks };
};

const markWith =
  (client: DynamoDBClient, tables: Names['tables']): MarkRow =>
  async (stream, marks, where) => {
    checkMarks(stream, marks);
    const within = expression();
    const sets = Object.entries(marks).map(([mark, at]) => `${within.name(mark)} = ${within.value(at)}`);
    const terms = [`attribute_exists(${within.name('version')})`, ...termsOf(within, where)];
    const request = new UpdateItemCommand({
      ...rowKey(tables, stream),
      ...(sets.length > 0 && { UpdateExpression: `SET ${sets.join(', ')}` }),
      ConditionExpression: terms.join(' AND '),
      ...within.placeholders(),
    });
    return untilCalm(`mark of ${stream}`, async () => {
      try {
        await client.send(request);
        return { done: 'marked' };
      } catch (fault) {
        if (fault instanceof ConditionalCheckFailedException) return { done: 'refused' };
        // An append to the same row is under way.
        if (fault instanceof TransactionConflictException) return { contended: fault };
        throw fault;
      }
    });
  };

export const rowsFrom = (client: DynamoDBClient, { tables }: Pick<Names, 'tables'>): Rows => {
  const memory = fieldMemory();
  const readRow: ReadRow = async (stream) => {
    const { Item } = await client.send(new GetItemCommand({ ...rowKey(tables, stream), ConsistentRead: true }));
    if (Item === undefined) return undefined;
    const stored = storedRowOf(Item);
    memory.remember(stream, stored.version, stored.row);
    return stored;
  };
  return {
    readRow,
    markRow: markWith(client, tables),
    fieldsAt: async (stream, version) => {
      if (version === 0) return [];
      const known = memory.recall(stream, version);
      if (known) return known;
      const stored = await readRow(stream);
      return stored?.version === version ? Object.keys(stored.row) : [];
    },
    rememberFields: memory.remember,
  };
};

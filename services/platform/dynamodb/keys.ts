/** Where things are: the keys of the events table, and of the row of a stream. */
import { kindOf, rootOf } from '#events/envelope.ts';
import type { StreamId } from '#events/envelope.ts';
import { createdAtOf, keyFieldOf } from '../append-check.ts';
import type { Names } from '../names.ts';
import { itemOf } from './item.ts';
import type { Item } from './item.ts';

/** The commits of one shard, by position. */
export const logKey = (shard: number): string => `L#${shard}`;
/** The facts of one stream, by version. */
export const streamKey = (stream: StreamId): string => `S#${stream}`;
/** What was done under an idempotency key. */
export const dedupeKey = (key: string): string => `C#${key}`;

export type RowKey = { readonly TableName: string; readonly Key: Item };

/** The sort key of a task is the time inside its id, so that one read finds it by the id alone. */
export const rowKey = (tables: Names['tables'], stream: StreamId): RowKey => {
  const kind = kindOf(stream);
  const key = { [keyFieldOf(kind)]: rootOf(stream), ...(kind === 'task' && { createdAt: createdAtOf(stream) }) };
  return { TableName: tables[kind], Key: itemOf(key) };
};

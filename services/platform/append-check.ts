/** What every store adapter asks of an append before it writes, so that what one of them takes the others take too. */
import { catalog } from '#events/catalog.ts';
import { kindOf, rootOf } from '#events/envelope.ts';
import type { StreamId, StreamKind } from '#events/envelope.ts';
import { TaskId, timeOf } from '#events/ids.ts';
import type { AppendOptions, Marks, Row, StoredFact } from './store.ts';

/** The field by which a row names its own aggregate; in DynamoDB the partition key of its table. */
export const keyFieldOf = (kind: StreamKind): string => catalog[kind].idField;

/** Marks stand beside the fields of the fold and are told apart by name. */
export const markNames = ['heartbeatAt', 'leaseUntil'] as const;

export const isMark = (field: string): boolean => markNames.some((name) => name === field);

/** Of all facts of one append, as JSON. They are stored twice, inline in the log and one by one, in items of at most 400 KB. */
export const commitBytesMax = 256 * 1024;
/** Of a row as JSON: an item of DynamoDB holds 400 KB, and keys, version and marks need a little of it. */
export const rowBytesMax = 396 * 1024;
/** The items of one DynamoDB transaction: the log position, the row, every fact, the dedupe item, every guard. */
const itemsMax = 100;

/** A task's id holds the time it was made, which is the sort key of its table. */
export const createdAtOf = (stream: StreamId): number => timeOf(TaskId.parse(rootOf(stream)));

const checkRow = (stream: StreamId, row: Row): void => {
  const kind = kindOf(stream);
  const keyField = keyFieldOf(kind);
  if (row[keyField] !== rootOf(stream)) throw new Error(`the row of ${stream} must name it under ${keyField}`);
  if (kind === 'task' && row['createdAt'] !== createdAtOf(stream))
    throw new Error(`the row of ${stream} must carry the time inside its id under createdAt`);
  for (const field of Object.keys(row))
    if (field === 'version' || isMark(field))
      throw new Error(`the row of ${stream} has a field ${field}, a name the store keeps`);
  const bytes = Buffer.byteLength(JSON.stringify(row));
  if (bytes > rowBytesMax) throw new Error(`the row of ${stream} has ${bytes} bytes, more than ${rowBytesMax}`);
};

export const checkMarks = (stream: StreamId, marks: Marks): void => {
  for (const mark of Object.keys(marks))
    if (!isMark(mark)) throw new Error(`${stream} is given the unknown mark ${mark}`);
};

/** Throws before anything is written; otherwise the facts as the JSON texts to store. */
export const checkAppend = (
  stream: StreamId,
  expected: number,
  facts: readonly StoredFact[],
  { row, marks = {}, guards = [] }: AppendOptions,
): readonly string[] => {
  if (facts.length === 0) throw new Error(`an append to ${stream} has no facts`);
  facts.forEach((fact, index) => {
    if (fact.stream !== stream || fact.version !== expected + index + 1)
      throw new Error(`${fact.stream} version ${fact.version} is no fact for ${stream} after ${expected}`);
  });
  if (facts.length + guards.length + 3 > itemsMax)
    throw new Error(`an append to ${stream} has ${facts.length} facts, more than one transaction holds`);
  const texts = facts.map((fact) => JSON.stringify(fact));
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 1);
  if (bytes > commitBytesMax)
    throw new Error(`an append to ${stream} has ${bytes} bytes of facts, more than ${commitBytesMax}`);
  checkRow(stream, row);
  checkMarks(stream, marks);
  return texts;
};

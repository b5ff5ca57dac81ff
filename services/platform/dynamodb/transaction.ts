/** One append as one DynamoDB transaction, and what its refusal says. */
import type { CancellationReason, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import type { StreamId } from '#events/envelope.ts';
import type { Names } from '../names.ts';
import type { AppendOptions, AppendOutcome, Condition, Dedupe, Guard, StoredFact } from '../store.ts';
import { expression, termsOf } from './expression.ts';
import { fieldsOf, itemOf } from './item.ts';
import type { Fields } from './item.ts';
import { dedupeKey, logKey, rowKey, streamKey } from './keys.ts';

export type Write = {
  readonly stream: StreamId;
  readonly expected: number;
  readonly facts: readonly StoredFact[];
  /** The facts as they are stored. */
  readonly texts: readonly string[];
  readonly options: AppendOptions;
  /** The fields that the row has at version `expected`, and that the new row may no longer have. */
  readonly fieldsBefore: readonly string[];
  readonly now: number;
};

/** What an item of the transaction stands for, which is what its refusal means. */
type Role = 'log' | 'row' | 'fact' | 'dedupe' | 'guard';
export type Transaction = { readonly items: TransactWriteItem[]; readonly roles: readonly Role[] };

const put = (TableName: string, fields: Fields): TransactWriteItem => ({
  Put: { TableName, Item: itemOf(fields), ConditionExpression: 'attribute_not_exists(pk)' },
});

const putDedupe = (TableName: string, { key, expiresAt, ...kept }: Dedupe, now: number): TransactWriteItem => {
  const within = expression();
  const until = within.name('until');
  // DynamoDB deletes late and wants seconds; what counts is the comparison.
  const fields = { pk: dedupeKey(key), sk: 0, ...kept, until: expiresAt, expiresAt: Math.ceil(expiresAt / 1000) };
  return {
    Put: {
      TableName,
      Item: itemOf(fields),
      ConditionExpression: `attribute_not_exists(pk) OR ${until} <= ${within.value(now)}`,
      ...within.placeholders(),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
};

/** An update, not a put: marks that others made stay, and so must be the only thing that does. */
const updateRow = (tables: Names['tables'], write: Write, where: readonly Condition[]): TransactWriteItem => {
  const { stream, expected, options, fieldsBefore } = write;
  const { TableName, Key } = rowKey(tables, stream);
  const within = expression();
  const fields: Fields = { ...options.row, ...options.marks, version: expected + write.facts.length };
  const item = Object.entries(fields).filter(([field, value]) => value !== undefined && !Object.hasOwn(Key, field));
  const present = new Set(item.map(([field]) => field));
  const gone = fieldsBefore.filter((field) => !present.has(field) && !Object.hasOwn(Key, field));
  const sets = item.map(([field, value]) => `${within.name(field)} = ${within.value(value)}`);
  const removes = gone.map(within.name);
  const version = within.name('version');
  const unmoved = expected === 0 ? `attribute_not_exists(${version})` : `${version} = ${within.value(expected)}`;
  return {
    Update: {
      TableName,
      Key,
      UpdateExpression: `SET ${sets.join(', ')}${removes.length === 0 ? '' : ` REMOVE ${removes.join(', ')}`}`,
      ConditionExpression: [unmoved, ...termsOf(within, where)].join(' AND '),
      ...within.placeholders(),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
};

const checkGuard = (tables: Names['tables'], { stream, where }: Guard): TransactWriteItem => {
  const within = expression();
  const ConditionExpression = termsOf(within, where).join(' AND ');
  return { ConditionCheck: { ...rowKey(tables, stream), ConditionExpression, ...within.placeholders() } };
};

/** A transaction names each item once: a guard on the stream's own row is a condition of it, and two on one row are one. */
const conditionsByStream = ({ stream, options: { where = [], guards = [] } }: Write): Map<StreamId, Condition[]> => {
  const all = new Map<StreamId, Condition[]>();
  for (const guard of [{ stream, where }, ...guards])
    all.set(guard.stream, [...(all.get(guard.stream) ?? []), ...guard.where]);
  return all;
};

export const transactionOf = (
  tables: Names['tables'],
  write: Write,
  { shard, position }: { shard: number; position: number },
): Transaction => {
  const { stream, expected, facts, texts, options, now } = write;
  const parts: [Role, TransactWriteItem][] = [];
  const commit = { pk: logKey(shard), sk: position, stream, version: expected + 1, facts: `[${texts.join(',')}]` };
  parts.push(['log', put(tables.events, commit)]);
  for (const [where, conditions] of conditionsByStream(write)) {
    if (where === stream) parts.push(['row', updateRow(tables, write, conditions)]);
    else if (conditions.length > 0) parts.push(['guard', checkGuard(tables, { stream: where, where: conditions })]);
  }
  facts.forEach(({ id, type, at, version }, index) => {
    const fact = { pk: streamKey(stream), sk: version, id, type, at, position, fact: texts[index] };
    parts.push(['fact', put(tables.events, fact)]);
  });
  if (options.dedupe) parts.push(['dedupe', putDedupe(tables.events, options.dedupe, now)]);
  return { items: parts.map(([, item]) => item), roles: parts.map(([role]) => role) };
};

const Moved = z.object({ version: z.int() });
const Earlier = z.object({ requestHash: z.string(), result: z.string() });

/** Too much at once, not somebody else: to be asked more slowly, and not for long. */
const busyCodes: ReadonlySet<string> = new Set(['ThrottlingError', 'ProvisionedThroughputExceeded']);
/** What may be otherwise the next time, or was decided by a condition of ours; any other code is a request that cannot be. */
const expectedCodes: ReadonlySet<string> = new Set([
  ...busyCodes,
  'None',
  'ConditionalCheckFailed',
  'TransactionConflict',
]);

export const isBusy = (reasons: readonly CancellationReason[]): boolean =>
  reasons.some(({ Code = 'None' }) => busyCodes.has(Code));

export const isExpected = (reasons: readonly CancellationReason[]): boolean =>
  reasons.every(({ Code = 'None' }) => expectedCodes.has(Code));

export type Refusal = {
  /** The stream may have moved because an earlier, unanswered attempt of this very append committed. */
  readonly mayBeOwn: boolean;
  /** What it comes to if it was not: nothing where the same append may succeed when tried again. */
  readonly outcome: Exclude<AppendOutcome, { outcome: 'appended' }> | undefined;
};

/**
 * When several items refuse, the answer is the one that stays true: what was done under this key, then the stream that
 * moved, then the entitlement that was lost. A taken log position and every other contention are nobody's business.
 */
export const refusalOf = (
  roles: readonly Role[],
  reasons: readonly CancellationReason[],
  expected: number,
): Refusal => {
  const failed = new Map<Role, CancellationReason>();
  reasons.forEach((reason, index) => {
    const role = roles[index];
    if (role !== undefined && reason.Code === 'ConditionalCheckFailed') failed.set(role, reason);
  });
  const [dedupe, row] = [failed.get('dedupe'), failed.get('row')];
  const mayBeOwn = dedupe !== undefined || row !== undefined || failed.has('fact');
  if (dedupe?.Item) return { mayBeOwn, outcome: { outcome: 'duplicate', ...Earlier.parse(fieldsOf(dedupe.Item)) } };
  if (dedupe) return { mayBeOwn, outcome: undefined };
  const version = row?.Item ? Moved.parse(fieldsOf(row.Item)).version : 0;
  if (failed.has('fact') || (row && version !== expected)) return { mayBeOwn, outcome: { outcome: 'conflict' } };
  return { mayBeOwn, outcome: row || failed.has('guard') ? { outcome: 'fenced' } : undefined };
};

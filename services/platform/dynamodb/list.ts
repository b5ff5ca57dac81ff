/** Lists of rows: tasks and sessions through their indexes, kinds with few rows by reading them all. */
import { BatchGetItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import type { StreamKind } from '#events/envelope.ts';
import { SessionStatus } from '#events/session.ts';
import { TaskStatus } from '#events/task.ts';
import { keyFieldOf } from '../append-check.ts';
import { fullJitter, pause } from '../backoff.ts';
import type { Names } from '../names.ts';
import { isAfter, isListed, pageOf, placeOf, startOf } from '../row-pages.ts';
import type { Place } from '../row-pages.ts';
import type { ListQuery, ListRows, Row, RowPage, StoredRow } from '../store.ts';
import { expression } from './expression.ts';
import { fieldsOf } from './item.ts';
import type { Item } from './item.ts';
import { rowKey } from './keys.ts';
import { storedRowOf } from './rows.ts';
import { indexes } from './tables.ts';

/** A page starts and ends within a millisecond, of which more is read than is shown. */
const entriesBeyond = 10;
/** What one request may fetch by key. */
const keysMax = 100;
const pauseBaseMs = 10;
const pauseCapMs = 400;

/** The kinds that have indexes, with every status a row of theirs can have. */
const statuses = { task: TaskStatus.options, session: SessionStatus.options } as const;
type Indexed = keyof typeof statuses;
const isIndexed = (kind: StreamKind): kind is Indexed => kind in statuses;

const Entry = z.looseObject({ createdAt: z.number() });

type Part = { readonly field: 'status' | 'owner'; readonly equals: string };

const entriesRequest = (TableName: string, part: Part, query: ListQuery, start?: Place): QueryCommandInput => {
  const within = expression();
  const { name, value } = within;
  const terms = [`${name(part.field)} = ${value(part.equals)}`];
  // The whole millisecond again: what of it stood on the page before is told apart by id.
  if (start)
    terms.push(`${name('createdAt')} ${query.order === 'newest-first' ? '<=' : '>='} ${value(start.createdAt)}`);
  const filter = query.and && query.and.field !== part.field ? query.and : undefined;
  const FilterExpression = filter && `${name(filter.field)} = ${value(filter.equals)}`;
  return {
    TableName,
    IndexName: indexes[part.field].name,
    KeyConditionExpression: terms.join(' AND '),
    ...within.placeholders(),
    ScanIndexForward: query.order === 'oldest-first',
    // A filter is applied after the limit: without one, a request reads on to 1 MB, some thousand entries.
    ...(FilterExpression ? { FilterExpression } : { Limit: query.limit + entriesBeyond }),
  };
};

/** Every entry from `start` to the end of a page, and beyond it to the end of its millisecond. */
const entriesOf = async (
  client: DynamoDBClient,
  kind: Indexed,
  request: QueryCommandInput,
  query: ListQuery,
  start?: Place,
) => {
  const entries: Place[] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const page = await client.send(new QueryCommand({ ...request, ExclusiveStartKey }));
    for (const item of page.Items ?? []) {
      const entry = Entry.parse(fieldsOf(item));
      entries.push({ createdAt: entry.createdAt, id: idOf(kind, entry) });
    }
    ExclusiveStartKey = page.LastEvaluatedKey;
    const last = entries.at(-1)?.createdAt;
    const whole = entries.filter((each) => each.createdAt !== last && isAfter(each, start, query.order));
    if (whole.length > query.limit) break;
  } while (ExclusiveStartKey !== undefined);
  return entries;
};

/** The parts of an index that hold the rows asked for: without `by`, one for each status there is. */
const partsOf = (kind: Indexed, { by, and }: ListQuery): readonly Part[] => {
  const parts = by ? [by] : statuses[kind].map((status) => ({ field: 'status', equals: status }) as const);
  return parts.filter((part) => and?.field !== part.field || and.equals === part.equals);
};

const fetchRows = async (client: DynamoDBClient, tables: Names['tables'], kind: Indexed, places: readonly Place[]) => {
  const rows = new Map<string, StoredRow>();
  let keys = places.map(({ id }) => rowKey(tables, `${kind}/${id}`).Key);
  let tries = 0;
  while (keys.length > 0) {
    const Keys = keys.slice(0, keysMax);
    // What is left unprocessed did not fit into 16 MB, or came too fast; a table too busy for every key throws.
    if (tries > 0) await pause(fullJitter(tries - 1, pauseBaseMs, pauseCapMs));
    const page = await client.send(
      new BatchGetItemCommand({ RequestItems: { [tables[kind]]: { Keys, ConsistentRead: true } } }),
    );
    for (const stored of (page.Responses?.[tables[kind]] ?? []).map(storedRowOf))
      rows.set(idOf(kind, stored.row), stored);
    const left = page.UnprocessedKeys?.[tables[kind]]?.Keys ?? [];
    tries = left.length === 0 ? 0 : tries + 1;
    keys = [...left, ...keys.slice(keysMax)];
  }
  return rows;
};

const scan = async (client: DynamoDBClient, TableName: string): Promise<StoredRow[]> => {
  const rows: StoredRow[] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const page = await client.send(new ScanCommand({ TableName, ConsistentRead: true, ExclusiveStartKey }));
    rows.push(...(page.Items ?? []).map(storedRowOf));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return rows;
};

export const listWith = (client: DynamoDBClient, { tables }: Pick<Names, 'tables'>): ListRows => {
  const listIndexed = async (kind: Indexed, query: ListQuery): Promise<RowPage> => {
    const start = startOf(kind, query);
    const entries = await Promise.all(
      partsOf(kind, query).map((part) =>
        entriesOf(client, kind, entriesRequest(tables[kind], part, query, start), query, start),
      ),
    );
    const { shown, next } = pageOf(kind, query, start, entries.flat());
    const rows = await fetchRows(client, tables, kind, shown);
    // The index may be a moment behind its table: a row that no longer belongs here is left out.
    const current = shown.flatMap(({ id }) => rows.get(id) ?? []).filter(({ row }) => isListed(query, row));
    return { rows: current, ...next };
  };
  const listFew: ListRows = async (kind, query) => {
    const start = startOf(kind, query);
    const listed = (await scan(client, tables[kind])).filter(({ row }) => isListed(query, row));
    const candidates = listed.map((stored) => ({ ...placeOf(idOf(kind, stored.row), stored.row), stored }));
    const { shown, next } = pageOf(kind, query, start, candidates);
    return { rows: shown.map(({ stored }) => stored), ...next };
  };
  return (kind, query) => (isIndexed(kind) ? listIndexed(kind, query) : listFew(kind, query));
};

const idOf = (kind: StreamKind, row: Row): string => String(row[keyFieldOf(kind)]);

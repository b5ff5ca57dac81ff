/** Where a row stands in a list, and the cursor that says where the next page starts: the same in every adapter. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { StreamKind } from '#events/envelope.ts';
import { InvalidCursor } from './store.ts';
import type { ListQuery, Row } from './store.ts';

/** Rows made in the same millisecond stand in the order of their ids, so that a page may end between two of them. */
export type Place = { readonly createdAt: number; readonly id: string };

/** Rows without a `createdAt` come before all that have one. */
export const placeOf = (id: string, { createdAt }: Row): Place => ({
  createdAt: typeof createdAt === 'number' ? createdAt : 0,
  id,
});

const Cursor = z.tuple([z.string(), z.number(), z.string()]);

/** A cursor belongs to its list: under another question it would leave rows out without a word. */
const questionOf = (kind: StreamKind, { by, and, order }: ListQuery): string =>
  createHash('sha256')
    .update(JSON.stringify([kind, by?.field, by?.equals, and?.field, and?.equals, order]))
    .digest('base64url')
    .slice(0, 8);

const parse = (cursor: string): unknown => {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
};

/** The place after which the page begins; throws `InvalidCursor`. */
export const startOf = (kind: StreamKind, query: ListQuery): Place | undefined => {
  if (query.after === undefined) return undefined;
  const cursor = Cursor.safeParse(parse(query.after));
  if (!cursor.success || cursor.data[0] !== questionOf(kind, query))
    throw new InvalidCursor('not a cursor of this list');
  const [, createdAt, id] = cursor.data;
  return { createdAt, id };
};

export const isListed = ({ by, and }: ListQuery, row: Row): boolean =>
  [by, and].every((each) => each === undefined || row[each.field] === each.equals);

const ascending = (a: Place, b: Place): number => a.createdAt - b.createdAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

const compare = (order: ListQuery['order']): ((a: Place, b: Place) => number) =>
  order === 'oldest-first' ? ascending : (a, b) => ascending(b, a);

export const isAfter = (place: Place, start: Place | undefined, order: ListQuery['order']): boolean =>
  start === undefined || compare(order)(place, start) > 0;

/** One page of the candidates, which must hold every row between `start` and the end of the page. */
export const pageOf = <Candidate extends Place>(
  kind: StreamKind,
  query: ListQuery,
  start: Place | undefined,
  candidates: readonly Candidate[],
): { readonly shown: readonly Candidate[]; readonly next: { readonly next?: string } } => {
  const left = candidates.filter((each) => isAfter(each, start, query.order)).sort(compare(query.order));
  const shown = left.slice(0, query.limit);
  const last = shown.at(-1);
  if (last === undefined || left.length === shown.length) return { shown, next: {} };
  const cursor = JSON.stringify([questionOf(kind, query), last.createdAt, last.id]);
  return { shown, next: { next: Buffer.from(cursor).toString('base64url') } };
};

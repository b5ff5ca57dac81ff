/** Where facts are kept: the ports. Adapters are in `dynamodb/` and `memory/` and are held to one conformance suite. */
import type { Envelope, Recorded, StreamId, StreamKind } from '#events/envelope.ts';

/** Any stored fact, whatever its aggregate. */
export type StoredFact = Recorded<{ readonly type: string; readonly v: number }>;

/** A position in one shard of the log. Positions are dense from 1: after n comes n+1, and nothing else ever will. */
export type LogPosition = { readonly shard: number; readonly position: number };

/** What one append wrote: facts of one stream, at one position. */
export type Commit = LogPosition & { readonly stream: StreamId; readonly facts: readonly StoredFact[] };

/** The fold of a stream, as its aggregate defines it. The store gives it back as it was given, and looks only at what indexes name. */
export type Row = { readonly [field: string]: unknown };

/** Operational marks beside the fold (`heartbeatAt`, `leaseUntil`): milliseconds since 1970, written under the holder's condition. */
export type Marks = { readonly [mark: string]: number };

/** What must hold of a row, top-level fields and marks alike. A row that does not exist has none: it satisfies `absent` and `below`. */
export type Condition =
  | { readonly field: string; readonly is: 'equal'; readonly to: string | number }
  /** True also when the field is absent: a mark that was never made is older than any time. */
  | { readonly field: string; readonly is: 'below'; readonly to: number }
  | { readonly field: string; readonly is: 'absent' };

/** A row of another stream that this writer believes in, such as the lock it holds: checked in the same transaction. */
export type Guard = { readonly stream: StreamId; readonly where: readonly Condition[] };

/**
 * Makes an append happen once per key until `expiresAt` (milliseconds since 1970): a second one, however different its
 * stream, gets the first one's `result` back. `requestHash` lets the caller tell a repeat from a mistaken reuse.
 */
export type Dedupe = {
  readonly key: string;
  readonly requestHash: string;
  readonly result: string;
  readonly expiresAt: number;
};

export type AppendOptions = {
  /** The fold after these facts. */
  readonly row: Row;
  readonly marks?: Marks;
  /** Conditions on this stream's own row, beside its version. */
  readonly where?: readonly Condition[];
  readonly guards?: readonly Guard[];
  readonly dedupe?: Dedupe;
};

export type AppendOutcome =
  | { readonly outcome: 'appended'; readonly commit: Commit }
  /** The stream is not at `expected`, before or beyond it: read again and decide again. */
  | { readonly outcome: 'conflict' }
  /** A guard or a condition does not hold: this writer lost what entitled it to write. */
  | { readonly outcome: 'fenced' }
  | { readonly outcome: 'duplicate'; readonly requestHash: string; readonly result: string };

/**
 * Writes all facts, the row and the log position, or nothing. The facts carry versions `expected + 1` and on.
 * A lost response is settled by reading back, and contention is waited out, before this returns; a store that cannot
 * be reached throws.
 */
export type Append = (
  stream: StreamId,
  expected: number,
  facts: readonly StoredFact[],
  options: AppendOptions,
) => Promise<AppendOutcome>;

/** The facts after version `after`, oldest first, at most `limit` (and fewer when they are large); empty at the end. */
export type ReadStream = (stream: StreamId, after: number, limit?: number) => Promise<readonly StoredFact[]>;

export type StoredRow = { readonly version: number; readonly row: Row; readonly marks: Marks };

/** The row as the last append left it (a strongly consistent read). */
export type ReadRow = (stream: StreamId) => Promise<StoredRow | undefined>;

/** Sets marks if `where` holds and the row exists. 'refused' is the answer to a holder that lost it. */
export type MarkRow = (stream: StreamId, marks: Marks, where: readonly Condition[]) => Promise<'marked' | 'refused'>;

/** Which rows a list shows. `by` names an index: its field, the value wanted, the order by `createdAt`. */
export type ListQuery = {
  readonly by?: { readonly field: 'status' | 'owner'; readonly equals: string };
  /** A second field, compared while reading. */
  readonly and?: { readonly field: 'status' | 'owner'; readonly equals: string };
  readonly order: 'newest-first' | 'oldest-first';
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: string;
};
export type RowPage = { readonly rows: readonly StoredRow[]; readonly next?: string };

/**
 * Rows of one kind. Without `by` all rows are shown (for kinds with few rows). Lists read indexes that may be a moment
 * behind; `readRow` is never behind. A `next` that was not made here throws `InvalidCursor`.
 */
export type ListRows = (kind: StreamKind, query: ListQuery) => Promise<RowPage>;

/** The commits of one shard after `after`, in order of position, at most `limit`; a hole ends the answer before it. */
export type ReadLog = (shard: number, after: number, limit?: number) => Promise<readonly Commit[]>;

/** The position of the newest commit of a shard, 0 when it is empty. */
export type ReadHead = (shard: number) => Promise<number>;

export class InvalidCursor extends Error {}

export type Store = {
  readonly shards: number;
  readonly append: Append;
  readonly readStream: ReadStream;
  readonly readRow: ReadRow;
  readonly markRow: MarkRow;
  readonly listRows: ListRows;
  readonly readLog: ReadLog;
  readonly readHead: ReadHead;
};

/** Told after every commit of this process; never awaited and never asked twice. */
export type OnCommit = (commit: Commit) => void;

/** The envelope of facts about to be appended: everything that is known before it is known whether they are accepted. */
export type Origin = Pick<Envelope, 'actor' | 'correlationId' | 'causationId' | 'traceparent'>;

/**
 * A history: what clients asked and were told, and beside it what is stored, announced and seen in the end. The checker says
 * which promise the two of them break. Whatever was under way when the answer was lost is unknown, which is no failure: it may
 * have happened or not, but not in part and not twice.
 */
import type { StreamId } from '#events/envelope.ts';
import type { Commit, StoredFact, StoredRow } from '#platform/store.ts';
import { answeredRules } from './history-answers.ts';
import { storedRules } from './history-stored.ts';

/**
 * `submit` names its task by a mark of the client's, kept in the task's `metadata.mark`, because the id is in the answer.
 * `cancel` and `read` name it by its id.
 */
export type What = 'submit' | 'cancel' | 'read';
export type Seen = { readonly taskId: string; readonly version: number; readonly status: string };

export type Operation = {
  readonly what: What;
  /** The mark of a submission, the id of the task otherwise. */
  readonly about: string;
  readonly invokedAt: number;
  readonly outcome: 'ok' | 'fail' | 'unknown';
  readonly endedAt?: number;
  /** What an `ok` said. A task that was not found has version 0. */
  readonly seen?: Seen;
};

/** Ends an operation, once; one that is never ended stays unknown. */
export type Invoked = {
  readonly ok: (seen: Seen) => void;
  /** It was refused: it has not happened and never will. */
  readonly fail: () => void;
};

export type Recorder = {
  readonly invoke: (what: What, about: string) => Invoked;
  readonly operations: () => readonly Operation[];
};

export const recorder = (now: () => number = () => performance.now()): Recorder => {
  const operations: Operation[] = [];
  return {
    operations: () => [...operations],
    invoke: (what, about) => {
      const begun = { what, about, invokedAt: now() };
      const index = operations.push({ ...begun, outcome: 'unknown' }) - 1;
      return {
        ok: (seen) => (operations[index] = { ...begun, outcome: 'ok', endedAt: now(), seen }),
        fail: () => (operations[index] = { ...begun, outcome: 'fail', endedAt: now() }),
      };
    },
  };
};

/** A fact, named as a message names it. */
export type FactName = { readonly stream: string; readonly version: number };

/** What a subscriber got of one stream, from its first version on and across all its connections. */
export type Watched = {
  readonly stream: string;
  readonly versions: readonly number[];
  /** It was told that nothing follows. */
  readonly over: boolean;
};

export type Stored = {
  /** As each stream holds them, oldest first. */
  readonly streams: ReadonlyMap<StreamId, readonly StoredFact[]>;
  readonly rows: ReadonlyMap<StreamId, StoredRow>;
  /** Each shard's commits by position. */
  readonly log: readonly (readonly Commit[])[];
};

export type History = {
  readonly operations: readonly Operation[];
  readonly stored: Stored;
  /** What the bus has accepted; left out where nobody listened to it. */
  readonly announced?: readonly FactName[];
  /** How far the relay says it is, by shard. */
  readonly remembered?: readonly number[];
  readonly watched?: readonly Watched[];
  /** Processes that outlived their owner, described. */
  readonly survivors?: readonly string[];
  /** Where it is said, nothing open may be without a sign of life for longer than `silentMs` before it. */
  readonly quiet?: { readonly at: number; readonly silentMs: number };
};

/** `rule` is the promise, in one or two words; `about` the stream, shard or mark at which it is broken. */
export type Breach = { readonly rule: string; readonly about: string; readonly what: string };
export type Rule = (history: History) => Iterable<Breach>;

export const breachesOf = (history: History): readonly Breach[] =>
  [...answeredRules, ...storedRules].flatMap((rule) => [...rule(history)]);

/** For a message: the first few, one a line. */
export const tell = (breaches: readonly Breach[], most = 20): string =>
  [
    ...breaches.slice(0, most).map(({ rule, about, what }) => `${rule}: ${about} ${what}`),
    ...(breaches.length > most ? [`and ${breaches.length - most} more`] : []),
  ].join('\n');

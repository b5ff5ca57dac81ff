/** What a subscription sends, message by message, and where it goes on after each: one shape for streams and for `$mine`. */
import { kindOf, rootOf } from '#events/envelope.ts';
import type { StreamId } from '#events/envelope.ts';
import { SessionId, TaskId } from '#events/ids.ts';
import { maySee, seesEverything } from '#platform/http/principal.ts';
import type { Principal } from '#platform/http/principal.ts';
import type { Store } from '#platform/store.ts';
import { follow } from './follow.ts';
import { extendFrame } from './frame.ts';
import type { Hub } from './hub.ts';
import { backlogMax, backlogOf, followMine, readCursor } from './mine.ts';
import type { Owners } from './owners.ts';
import { liveMessage } from './protocol.ts';
import type { LiveErrorCode, Subscribe } from './protocol.ts';

export type Position = number | string | undefined;

/** `position` is where the reader stands once it has the message; 'live' messages come once to a reader. */
export type FeedMessage = { readonly bytes: Buffer; readonly position: Position; readonly live: boolean };

/** Goes on after a position, from the one that was asked for on the first call; ends when `signal` aborts. */
export type Feed = (after: Position, signal: AbortSignal) => AsyncGenerator<FeedMessage, void>;

export type Opened =
  | { readonly ok: true; readonly feed: Feed; readonly after: Position }
  | { readonly ok: false; readonly code: LiveErrorCode; readonly message: string };

export type FeedParts = {
  readonly hub: Hub;
  readonly store: Pick<Store, 'readStream' | 'readRow' | 'readLog' | 'shards'>;
  readonly owners: Owners;
};

const streamFeed = (stream: StreamId, parts: FeedParts): Feed =>
  async function* (after, signal) {
    const from = typeof after === 'number' ? after : 0;
    let position = from;
    for await (const step of follow(stream, from, parts, signal)) {
      if (step === 'live') yield { bytes: liveMessage(stream), position, live: true };
      else {
        position = step.version;
        yield { bytes: step.bytes, position, live: false };
      }
    }
  };

const mineFeed = (principal: Principal, { hub, store, owners }: FeedParts): Feed =>
  async function* (after, signal) {
    const start = typeof after === 'string' ? readCursor(after, store.shards) : undefined;
    const parts = { hub, store, ownerOf: owners.ownerOf };
    for await (const { cursor, frame } of followMine(principal, start, parts, signal)) {
      const bytes = frame ? extendFrame(frame, { subscription: '$mine', cursor }) : liveMessage('$mine', { cursor });
      yield { bytes, position: cursor, live: frame === undefined };
    }
  };

/** Accounts hold the hashes of keys and are shown to nobody; what has no owner is for operators. */
const mayFollow = async (stream: StreamId, principal: Principal, { store }: FeedParts): Promise<boolean> => {
  const kind = kindOf(stream);
  if (kind === 'account') return false;
  if (kind !== 'task' && kind !== 'session') return seesEverything(principal);
  if (!(kind === 'task' ? TaskId : SessionId).safeParse(rootOf(stream)).success) return false;
  const owner = (await store.readRow(stream))?.row['owner'];
  return typeof owner === 'string' && maySee(principal, owner);
};

const refused = (code: LiveErrorCode, message: string): Opened => ({ ok: false, code, message });

export const openFeed = async (
  { stream, after }: Subscribe,
  principal: Principal,
  parts: FeedParts,
): Promise<Opened> => {
  if (stream !== '$mine') {
    if (typeof after === 'string') return refused('invalid-cursor', 'after is a version, a number');
    if (!(await mayFollow(stream, principal, parts))) return refused('not-found', 'there is no such stream');
    return { ok: true, feed: streamFeed(stream, parts), after: after ?? 0 };
  }
  if (after !== undefined) {
    const cursor = typeof after === 'string' ? readCursor(after, parts.store.shards) : undefined;
    if (!cursor) return refused('invalid-cursor', 'after is the cursor of a message of $mine');
    if (backlogOf(cursor, parts.hub.heads()) > backlogMax) {
      return refused('cursor-too-old', 'list the tasks and subscribe from now on');
    }
  }
  return { ok: true, feed: mineFeed(principal, parts), after };
};

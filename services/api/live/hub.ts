/**
 * Follows the log once for the whole instance, and rings for whoever waits for a stream or for the log to move. It is never the
 * truth: it keeps the recent end of what is being followed, so that a thousand readers of one stream are not a thousand queries.
 */
import { kindOf } from '#events/envelope.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Log } from '#platform/log.ts';
import { recent } from '#platform/recent.ts';
import type { Commit, OnCommit, Store } from '#platform/store.ts';
import { subscribe } from '#platform/subscribe.ts';
import type { OnWake } from '#platform/subscribe.ts';
import { frameOf } from './frame.ts';
import type { Frame } from './frame.ts';
import { createBell, createTail } from './tail.ts';
import type { Bell, Tail } from './tail.ts';

export type Watched = Disposable & {
  readonly tail: Tail<Frame>;
  readonly bell: Bell;
  /** What `read` gives for the facts after `version`, asked for once by all who watch the stream and want it now. */
  readonly page: (version: number, read: () => Promise<readonly Frame[]>) => Promise<readonly Frame[]>;
};

/** A commit of tasks, ready to go out. */
export type LoggedCommit = { readonly position: number; readonly stream: StreamId; readonly frames: readonly Frame[] };

export type LogWatch = Disposable & {
  /** By shard. What stands at `last()` of each has been announced here. */
  readonly tails: readonly Tail<LoggedCommit>[];
  readonly bell: Bell;
};

export type Hub = {
  /** From the first watch of a stream to the last disposal, its recent facts are kept at hand. */
  readonly watch: (stream: StreamId) => Watched;
  readonly watchLog: () => LogWatch;
  /** By shard, the newest position that was announced. */
  readonly heads: () => readonly number[];
  /** Follows the log until `signal` aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

export type HubParts = {
  readonly store: Pick<Store, 'shards' | 'readHead' | 'readLog'>;
  readonly onWake: OnWake;
  readonly pollMs: number;
  readonly log: Log;
  /** Told of every commit, in order within a shard. */
  readonly onCommit: OnCommit;
};

type Counted = Omit<Watched, keyof Disposable> & { watchers: number };

/**
 * After a restart all readers of a stream want the same page at once. Whoever joins a read that began before it came has missed
 * nothing: the tail, which all of them share, was watched before that read, and says if there is more.
 */
const sharedPages = (): Watched['page'] => {
  const underWay = new Map<number, Promise<readonly Frame[]>>();
  return (version, read) => {
    const page = underWay.get(version) ?? read().finally(() => underWay.delete(version));
    underWay.set(version, page);
    return page;
  };
};

export const loggedCommit = ({ position, stream, facts }: Commit): LoggedCommit => ({
  position,
  stream,
  frames: kindOf(stream) === 'task' ? facts.map(frameOf) : [],
});

/**
 * A transaction may be seen in the log an instant before it is seen in the stream. Who begins to watch in that instant
 * must know that there is more than the stream shows.
 */
const newestMax = 4_096;

const sizeOf = (frames: readonly Frame[]): number => frames.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** What was committed before this resolves is read from the store by whoever wants it. */
export const openHub = async ({ store, onWake, pollMs, log, onCommit }: HubParts): Promise<Hub> => {
  const heads = await Promise.all(Array.from({ length: store.shards }, (_, shard) => store.readHead(shard)));
  const tails = heads.map((head) => createTail<LoggedCommit>(head));
  const logBell = createBell();
  const streams = new Map<StreamId, Counted>();
  const newest = recent<StreamId, number>(newestMax);
  let logWatchers = 0;

  const apply = async (commit: Commit): Promise<void> => {
    const { shard, position, stream, facts } = commit;
    newest.set(stream, facts.at(-1)?.version ?? 0);
    const watched = streams.get(stream);
    for (const frame of watched ? facts.map(frameOf) : []) {
      watched?.tail.push(frame.version, { value: frame, bytes: frame.bytes.length });
    }
    const logged = logWatchers > 0 ? loggedCommit(commit) : undefined;
    tails[shard]?.push(position, logged && { value: logged, bytes: sizeOf(logged.frames) });
    onCommit(commit);
    watched?.bell.ring();
    logBell.ring();
  };

  return {
    watch: (stream) => {
      const counted = streams.get(stream) ?? {
        tail: createTail<Frame>(newest.get(stream)),
        bell: createBell(),
        page: sharedPages(),
        watchers: 0,
      };
      streams.set(stream, counted);
      counted.watchers += 1;
      const release = (): void => {
        counted.watchers -= 1;
        if (counted.watchers === 0) streams.delete(stream);
      };
      return { tail: counted.tail, bell: counted.bell, page: counted.page, [Symbol.dispose]: release };
    },
    watchLog: () => {
      logWatchers += 1;
      return { tails, bell: logBell, [Symbol.dispose]: () => void (logWatchers -= 1) };
    },
    heads: () => tails.map((tail) => tail.last()),
    run: (signal) => {
      const cursor = new Map(heads.map((head, shard) => [shard, head]));
      return subscribe({ readLog: store.readLog, cursor, onWake, pollMs, log, apply }, signal);
    },
  };
};

/** Follow the log: woken or not, read after the cursor, apply n+1 after n, remember. */
import { addAbortListener } from 'node:events';
import { fullJitter, pause } from './backoff.ts';
import type { Log } from './log.ts';
import type { Commit, ReadLog } from './store.ts';

/** A wake says that a shard is at a position. It may be lost, late or doubled: it only ends a wait early. */
export type Wake = { readonly shard: number; readonly position: number };

/** Calls `listener` for every wake of this process until the returned function is called. */
export type OnWake = (listener: (wake: Wake) => void) => () => void;

/** One position per shard: everything up to it has been applied. */
export type Cursor = ReadonlyMap<number, number>;

export type Subscription = {
  readonly readLog: ReadLog;
  /** The shards to follow; each is followed on its own. */
  readonly cursor: Cursor;
  readonly onWake: OnWake;
  /** How long to wait for a wake before looking anyway, in milliseconds. */
  readonly pollMs: number;
  /** Called once per commit, in order within a shard; a rejection is retried with the same commit after a pause. */
  readonly apply: (commit: Commit) => Promise<void>;
  /** Called after `apply`, with the last position of what was applied; a crash in between means `apply` sees it again. */
  readonly remember?: (shard: number, position: number) => Promise<void>;
  /** Told of every fault that is being waited out: a rejected `apply` or `remember`, a log that cannot be read. */
  readonly log?: Log;
};

/** Runs until `signal` aborts, then resolves once the commit in hand is applied and remembered. */
export type Subscribe = (subscription: Subscription, signal: AbortSignal) => Promise<void>;

/** Between tries of what failed. A cap of seconds: a commit that cannot be applied now must not be late once it can. */
const pauseBaseMs = 20;
const pauseCapMs = 5_000;

/** Commits read at once: what is held in memory, and at most what `apply` sees again after a crash. */
const pageMax = 100;

/** How far one shard was followed. What is applied but not remembered is remembered before anything else is waited for. */
type Place = { readonly shard: number; applied: number; remembered: number };

/** Applies what the log shows now; says whether it showed anything. */
const readOn = async (place: Place, subscription: Subscription, signal: AbortSignal): Promise<boolean> => {
  const { shard } = place;
  const commits = await subscription.readLog(shard, place.applied, pageMax);
  try {
    for (const commit of commits) {
      if (signal.aborted) break;
      if (commit.position !== place.applied + 1)
        throw new Error(`shard ${shard} of the log shows position ${commit.position} after ${place.applied}`);
      await subscription.apply(commit);
      place.applied = commit.position;
    }
  } finally {
    if (place.applied > place.remembered) await subscription.remember?.(shard, place.applied);
    place.remembered = place.applied;
  }
  return commits.length > 0;
};

/** A position that is always news: nobody knows what is there, but it is time to look. */
const unknown = Number.POSITIVE_INFINITY;

/** `hear` takes a position that somebody says the shard is at, and ends the wait of `run` if that is news. */
const follower = (shard: number, start: number, subscription: Subscription, signal: AbortSignal) => {
  const place: Place = { shard, applied: start, remembered: start };
  let heard = unknown;
  let wake = (): void => undefined;

  const hear = (position: number): void => {
    heard = Math.max(heard, position);
    if (heard > place.applied) wake();
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      if (heard <= place.applied) await new Promise<void>((resolve) => (wake = resolve));
      // Forgotten before the read: what is heard from here on may be newer than what the read shows.
      const wanted = heard;
      heard = 0;
      const before = place.applied;
      try {
        const found = await readOn(place, subscription, signal);
        // A page that comes as far as the wake said is the whole news, and of what is newer its own wake tells; after any other
        // there may be more.
        if (found && place.applied < wanted) heard = unknown;
        failures = 0;
      } catch (err) {
        if (place.applied > before) failures = 0;
        subscription.log?.problem('subscription.failed', { err, shard, position: place.applied, failures });
        await pause(fullJitter(failures, pauseBaseMs, pauseCapMs), signal);
        failures += 1;
        heard = unknown;
      }
    }
  };
  return { hear, run };
};

export const subscribe: Subscribe = async (subscription, signal) => {
  const followers = new Map(
    subscription.cursor.entries().map(([shard, at]) => [shard, follower(shard, at, subscription, signal)]),
  );
  const lookEverywhere = (): void => followers.forEach(({ hear }) => hear(unknown));
  using held = new DisposableStack();
  held.defer(subscription.onWake(({ shard, position }) => followers.get(shard)?.hear(position)));
  held.use(setInterval(lookEverywhere, subscription.pollMs));
  held.use(addAbortListener(signal, lookEverywhere));
  await Promise.all(followers.values().map(({ run }) => run()));
};

/** Follow the log: woken or not, read after the cursor, apply n+1 after n, remember. */
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
};

/** Runs until `signal` aborts, then resolves once the commit in hand is applied and remembered. */
export type Subscribe = (subscription: Subscription, signal: AbortSignal) => Promise<void>;

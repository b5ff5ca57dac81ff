/** Shares the shards of the log among projectors: each is followed by one at a time, and by another when that one is gone. */
import { pause } from '#platform/backoff.ts';
import type { Log } from '#platform/log.ts';
import type { Runtime } from '#platform/runtime.ts';

/** A shard in our hands, until the signal that comes with it aborts. */
export type HeldShard = {
  readonly shard: number;
  /** Everything up to here was applied, by whoever held it before. */
  readonly position: number;
  readonly remember: (position: number) => Promise<void>;
};

/** Resolves soon after `signal` aborts. */
export type Follow = (held: HeldShard, signal: AbortSignal) => Promise<void>;

export type ShardsOptions = {
  readonly runtime: Pick<Runtime, 'claimShard' | 'rememberPosition' | 'releaseShard'>;
  readonly subscription: string;
  readonly holder: string;
  readonly shards: number;
  readonly leaseMs: number;
  readonly log: Log;
};

export type Shards = {
  readonly held: () => readonly number[];
  /** Follows every shard it can get until `stop` aborts; then lets go of all of them, for others to claim at once. */
  readonly run: (follow: Follow, stop: AbortSignal) => Promise<void>;
};

const renewAfter = 0.3;
/** Two renewals may fail. The rest of the lease is for a commit in hand, and for clocks that differ. */
const giveUpAfter = 0.8;

/** `until` is on the monotonic clock and counts from the question, because the lease does. */
const claim = async ({ runtime, subscription, holder, leaseMs }: ShardsOptions, shard: number) => {
  const asked = performance.now();
  const claimed = await runtime.claimShard(subscription, shard, holder, leaseMs);
  return claimed && { position: claimed.position, until: asked + leaseMs * giveUpAfter };
};

/** Renews until `signal` aborts, and calls `lose` when the shard is, or may soon be, somebody else's. */
const renew = async (
  options: ShardsOptions,
  { shard, until }: { shard: number; until: number },
  lose: () => void,
  signal: AbortSignal,
): Promise<void> => {
  const { subscription, leaseMs, log } = options;
  let deadline = setTimeout(lose, until - performance.now());
  for (;;) {
    await pause(leaseMs * renewAfter, signal);
    if (signal.aborted) break;
    try {
      const renewed = await claim(options, shard);
      clearTimeout(deadline);
      if (renewed) deadline = setTimeout(lose, renewed.until - performance.now());
      else lose();
    } catch (err) {
      log.problem('shard.not-renewed', { err, subscription, shard });
    }
  }
  clearTimeout(deadline);
};

type Lease = AsyncDisposable & { readonly position: number; readonly lose: () => void; readonly signal: AbortSignal };

/** Takes the shard if nobody else has it. `signal` aborts with `stop`, or when the shard is lost; disposing lets it go. */
const lease = async (options: ShardsOptions, shard: number, stop: AbortSignal): Promise<Lease | undefined> => {
  const { runtime, subscription, holder, log } = options;
  const claimed = await claim(options, shard);
  if (!claimed) return undefined;
  const losing = new AbortController();
  const lose = (): void => losing.abort();
  const renewing = renew(options, { shard, until: claimed.until }, lose, losing.signal);
  log('shard.held', { subscription, shard, position: claimed.position });
  return {
    position: claimed.position,
    lose,
    signal: AbortSignal.any([stop, losing.signal]),
    [Symbol.asyncDispose]: async () => {
      lose();
      await renewing;
      await runtime.releaseShard(subscription, shard, holder);
      log('shard.let-go', { subscription, shard });
    },
  };
};

export const sharedShards = (options: ShardsOptions): Shards => {
  const { runtime, subscription, holder, leaseMs, log } = options;
  const held = new Set<number>();

  const followIfFree = async (shard: number, follow: Follow, stop: AbortSignal): Promise<void> => {
    await using mine = await lease(options, shard, stop);
    if (!mine) return;
    held.add(shard);
    const remember = async (position: number): Promise<void> => {
      if ((await runtime.rememberPosition(subscription, shard, holder, position)) === 'lost') mine.lose();
    };
    await follow({ shard, position: mine.position, remember }, mine.signal).finally(() => held.delete(shard));
  };
  const tend = async (shard: number, follow: Follow, stop: AbortSignal): Promise<void> => {
    while (!stop.aborted) {
      await followIfFree(shard, follow, stop).catch((err: unknown) => {
        log.problem('shard.not-followed', { err, subscription, shard });
      });
      await pause(leaseMs * renewAfter, stop);
    }
  };
  return {
    held: () => [...held],
    run: async (follow, stop) => {
      await Promise.all(Array.from({ length: options.shards }, (_, shard) => tend(shard, follow, stop)));
    },
  };
};

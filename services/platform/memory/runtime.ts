/** The operational records in memory, for tests that need no engine. */
import { clocksDifferMs } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';

type Claim = { readonly holder: string | undefined; readonly leaseUntil: number; readonly position: number };

export const memoryRuntime = ({ clock }: { readonly clock: () => number }): Runtime => {
  const claims = new Map<string, Claim>();
  const notes = new Map<string, { readonly value: string; readonly expiresAt: number }>();
  const keyOf = (subscription: string, shard: number): string => `${subscription}#${shard}`;
  let shards: number | undefined;
  return {
    fixShards: async (wanted) => (shards ??= wanted),
    claimShard: async (subscription, shard, holder, leaseMs) => {
      const key = keyOf(subscription, shard);
      const claim = claims.get(key) ?? { holder: undefined, leaseUntil: 0, position: 0 };
      const isLive = claim.leaseUntil > clock() && claim.leaseUntil <= clock() + leaseMs + clocksDifferMs;
      if (claim.holder !== undefined && claim.holder !== holder && isLive) return undefined;
      claims.set(key, { ...claim, holder, leaseUntil: clock() + leaseMs });
      return { position: claim.position };
    },
    rememberPosition: async (subscription, shard, holder, position) => {
      const key = keyOf(subscription, shard);
      const claim = claims.get(key);
      if (claim?.holder !== holder) return 'lost';
      claims.set(key, { ...claim, position });
      return 'remembered';
    },
    releaseShard: async (subscription, shard, holder) => {
      const key = keyOf(subscription, shard);
      const claim = claims.get(key);
      if (claim?.holder === holder) claims.set(key, { ...claim, holder: undefined });
    },
    putNote: async (key, value, expiresAt) => void notes.set(key, { value, expiresAt }),
    takeNote: async (key) => {
      const note = notes.get(key);
      if (note === undefined || note.expiresAt <= clock()) return undefined;
      notes.delete(key);
      return note.value;
    },
  };
};

/** Which shard of the log a stream writes to. Fixed for life: a stream that moved would have two orders. */
import { rootOf } from '#events/envelope.ts';
import type { StreamId } from '#events/envelope.ts';

/** FNV-1a over the ordering root, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/). */
export const shardOf = (stream: StreamId, shards: number): number => {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(rootOf(stream))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % shards;
};

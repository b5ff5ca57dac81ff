/** A reader of the log: follows its shards from the cursor in its sink. */
import { setTimeout as delay } from 'node:timers/promises';
import { memoryWakes } from '#platform/memory/wakes.ts';
import { subscribe } from '#platform/subscribe.ts';
import { ReaderWork, Woken } from './messages.ts';
import { begin, tell } from './process.ts';
import { openSink } from './sink.ts';
import type { Effect } from './sink.ts';

const { store, work } = begin(ReaderWork);
using sink = openSink(work.sink, work.diesAtCommit);
const { announce, onWake } = memoryWakes();
process.on('message', (message) => announce(Woken.parse(message)));

const remembered = sink.cursor();
const inHand = new Map<number, Effect[]>(work.shards.map((shard) => [shard, []]));
let effects = sink.effects().length;

await subscribe(
  {
    readLog: store.readLog,
    cursor: new Map(work.shards.map((shard) => [shard, remembered.get(shard) ?? 0])),
    onWake,
    pollMs: 500,
    apply: async ({ shard, position, stream }) => {
      sink.see(position);
      if (Math.random() < 0.05) await delay(1);
      inHand.get(shard)?.push({ shard, position, stream });
    },
    remember: async (shard, position) => {
      const done = inHand.get(shard)?.splice(0) ?? [];
      sink.commit(done, shard, position);
      effects += done.length;
      await tell({ effects });
    },
  },
  new AbortController().signal,
);

/** A writer: appends many at a time, now a new stream, now once more to the last, and tells of every acknowledged append. */
import type { StreamId } from '#events/envelope.ts';
import { append, commitOf, newTask } from '../../../conformance/fixtures.ts';
import { WriterWork } from './messages.ts';
import { begin, tell } from './process.ts';

const { store, work } = begin(WriterWork);
let left = work.appends;

const write = async (): Promise<void> => {
  let last: { readonly stream: StreamId; readonly version: number } | undefined;
  while (left > 0) {
    left -= 1;
    const { stream, version } = last && Math.random() < 0.3 ? last : { stream: newTask(), version: 0 };
    const { shard, position } = commitOf(await append(store, stream, version));
    await tell({ shard, position, stream });
    last = { stream, version: version + 1 };
  }
};
await Promise.all(Array.from({ length: work.atOnce }, write));
process.disconnect();

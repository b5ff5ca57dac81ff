/** The reader that this system does not have: follows the time-ordered index of the same rows, from the newest time it has seen. */
import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { StreamId } from '#events/envelope.ts';
import { pause } from '#platform/backoff.ts';
import { fieldsOf, itemOf } from '#platform/dynamodb/item.ts';
import { indexes } from '#platform/dynamodb/tables.ts';
import { ReaderWork } from './messages.ts';
import { begin, tell } from './process.ts';
import { openSink } from './sink.ts';
import type { Effect } from './sink.ts';

const Entry = z
  .object({ taskId: z.string(), createdAt: z.int() })
  .transform(({ taskId, createdAt }) => ({ shard: 0, position: createdAt, stream: StreamId.parse(`task/${taskId}`) }));

const { client, names, work } = begin(ReaderWork);
using sink = openSink(work.sink, work.diesAtCommit);
const seen = new Set(sink.effects().map(({ stream }) => stream));
let newest = sink.cursor().get(0) ?? 0;
let woken = new AbortController();
process.on('message', () => woken.abort());

/** Everything at or after the newest time seen: of rows with the very same time, none is passed over. */
const readOn = async (): Promise<Effect[]> => {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: names.tables.task,
      IndexName: indexes.status.name,
      KeyConditionExpression: '#status = :pending AND createdAt >= :newest',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: itemOf({ ':pending': 'pending', ':newest': newest }),
    }),
  );
  return Items.map((item) => Entry.parse(fieldsOf(item))).filter(({ stream }) => !seen.has(stream));
};

for (;;) {
  const found = await readOn();
  if (found.length === 0) {
    await pause(500, woken.signal);
    woken = new AbortController();
    continue;
  }
  newest = Math.max(newest, ...found.map(({ position }) => position));
  for (const { position, stream } of found) {
    sink.see(position);
    seen.add(stream);
  }
  sink.commit(found, 0, newest);
  await tell({ effects: seen.size });
}

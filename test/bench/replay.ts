/** Replay on the live channel: from the subscription to the word that everything was said, against reading the same items. */
import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { byEffort } from '#test/proof/effort.ts';
import { startAws } from '#test/support/aws.ts';
import { startApiProcess } from './api.ts';
import { startChild } from './child.ts';
import { amount, excess } from './figure.ts';
import { Followed } from './live.ts';
import { progress, rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { interleave, median } from './rounds.ts';

const events = 1_000;
const repeats = byEffort({ ci: 3, full: 10 });

export const replay: Measurement = async () => {
  await using opened = new AsyncDisposableStack();
  const aws = opened.use(await startAws());
  const api = opened.use(await startApiProcess(aws));
  const writer = opened.use(startChild('writer', { ...aws.env }));
  const sockets = opened.use(startChild('sockets'));
  progress(`writing ${events} events`);
  const stream = await writer.ask('open', events - 2, z.string());
  await writer.ask('writeAll', undefined, z.undefined());
  const reader = { ...api, stream, sockets: 1 };

  const replayed = async (): Promise<number> => {
    await sockets.ask('open', reader, z.undefined());
    const { tookMs, heard } = await sockets.ask('follow', reader, Followed);
    await sockets.ask('close', undefined, z.undefined());
    if (heard[0] !== events) throw new Error(`${heard[0] ?? 0} of ${events} events were replayed`);
    return tookMs;
  };
  const queried = async (): Promise<number> => {
    const startedAt = performance.now();
    const { Items = [] } = await aws.clients.dynamodb.send(
      new QueryCommand({
        TableName: aws.names.tables.events,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: `S#${stream}` } },
      }),
    );
    if (Items.length !== events) throw new Error(`${Items.length} of ${events} items were read`);
    return performance.now() - startedAt;
  };
  const several = (measure: () => Promise<number>) => async () => {
    const times = [];
    for (let time = 0; time < repeats; time += 1) times.push(await measure());
    return median(times);
  };
  const sides = [several(replayed), several(queried)];
  progress('replaying');
  await interleave(1, sides);
  const [ours = [], theirs = []] = await interleave(rounds, sides);
  const what = `replay of ${events} events`;
  return [
    amount({ what, unit: 'ms', ours, target: { atMost: 30 } }),
    excess({ what, unit: 'ms', ours, theirs, with: 'one raw Query of the same items' }),
  ];
};

/** Rebuilding every row from the log: facts a second, against queries that only fetch the same items. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { byEffort } from '#test/proof/effort.ts';
import { temporaryDir } from '#test/support/system.ts';
import { startDynamoDb } from '../../services/local/dynamodb.ts';
import { awsEnvironment } from '../../services/local/environment.ts';
import { startChild } from './child.ts';
import { ratio } from './figure.ts';
import { progress, rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { interleave } from './rounds.ts';
import { factsPerTask, seededStore } from './seed.ts';

const tasks = byEffort({ ci: 1_000, full: 10_000 });

export const rebuild: Measurement = async () => {
  await using opened = new AsyncDisposableStack();
  const copy = opened.use(await temporaryDir());
  await cp(await seededStore(tasks), copy.path, { recursive: true });
  const engine = opened.use(await startDynamoDb({ file: join(copy.path, 'dynamodb.db') }));
  const { endpoint } = engine;
  const reader = opened.use(
    startChild('reader', awsEnvironment({ dynamodb: endpoint, queues: endpoint, json: endpoint })),
  );
  const factsPerSecond = (job: string) => async (): Promise<number> => {
    const startedAt = performance.now();
    const found = await reader.ask(job, undefined, z.int());
    if (found !== tasks) throw new Error(`${found} of ${tasks} tasks were found`);
    return (tasks * factsPerTask) / ((performance.now() - startedAt) / 1000);
  };
  const sides = [factsPerSecond('rebuild'), factsPerSecond('query')];
  progress('rebuilding');
  await interleave(1, sides);
  const [ours = [], theirs = []] = await interleave(rounds, sides);
  return [
    ratio({ what: 'rebuild, events', unit: '/s', ours, theirs, with: 'raw Query of the same log, nothing parsed' }),
  ];
};

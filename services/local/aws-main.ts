/** The embedded AWS but for the database: queues, topics, objects, events, builds, secrets, in one process. */
import { join } from 'node:path';
import { z } from 'zod';
import { port, readConfig } from '#platform/config.ts';
import { aborted, runMain } from '#platform/lifetime.ts';
import { createLog } from '#platform/log.ts';
import { startAwsJson } from './aws-json/start.ts';
import { region } from './environment.ts';
import { startQueues } from './queues.ts';

const Config = z.object({ DATA_DIR: z.string(), QUEUES_PORT: port, AWS_JSON_PORT: port });

await runMain(async (stop) => {
  const { DATA_DIR: directory, QUEUES_PORT, AWS_JSON_PORT } = readConfig(Config, process.env);
  const log = createLog('aws');
  await using queues = await startQueues({ dataDir: join(directory, 'queues'), port: QUEUES_PORT, region });
  await using json = await startAwsJson({
    ...{ file: join(directory, 'aws-json.db'), port: AWS_JSON_PORT, region, queuesEndpoint: queues.endpoint, log },
    builds: { projects: {}, directory: join(directory, 'builds') },
  });
  log('aws.started', { queues: queues.endpoint, json: json.endpoint });
  await aborted(stop);
  log('aws.stopping', { reason: String(stop.reason) });
});

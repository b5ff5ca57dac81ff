/** The embedded AWS for one test file: engine, queues, bus, with everything provisioned under a prefix of its own. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRouting } from '#platform/eventbridge/routing.ts';
import { silent } from '#platform/log.ts';
import { namesOf } from '#platform/names.ts';
import type { Names } from '#platform/names.ts';
import { startAwsJson } from '../../services/local/aws-json/start.ts';
import { clientsOf } from '../../services/local/clients.ts';
import type { Clients } from '../../services/local/clients.ts';
import { startDynamoDb } from '../../services/local/dynamodb.ts';
import { awsEnvironment, region } from '../../services/local/environment.ts';
import type { Endpoints } from '../../services/local/environment.ts';
import { provision } from '../../services/local/provision.ts';
import { startQueues } from '../../services/local/queues.ts';

export type Aws = AsyncDisposable & {
  /** For a service process, beside what else it needs. */
  readonly env: Readonly<Record<string, string>>;
  readonly endpoints: Endpoints;
  readonly names: Names;
  readonly bucket: string;
  readonly clients: Clients;
};

export type AwsOptions = {
  /** Keep everything here, for tests that start it a second time; without it everything is in memory. */
  readonly dataDir?: string;
  /** Only for a second start on the same data; otherwise a fresh one. */
  readonly prefix?: string;
};

/** Queues and bus live in the test's own process, the engine is a child; all of it ends when it is disposed. */
export const startAws = async ({
  dataDir,
  prefix = `test-${randomBytes(4).toString('hex')}`,
}: AwsOptions = {}): Promise<Aws> => {
  await using opened = new AsyncDisposableStack();
  if (dataDir !== undefined) await mkdir(dataDir, { recursive: true });
  const inData = (name: string) => (dataDir === undefined ? undefined : join(dataDir, name));
  const [file, queuesDir, jsonFile] = [inData('dynamodb.db'), inData('queues'), inData('aws-json.db')];
  const engine = opened.use(await startDynamoDb(file === undefined ? {} : { file }));
  const queues = opened.use(await startQueues({ region, ...(queuesDir === undefined ? {} : { dataDir: queuesDir }) }));
  const json = await startAwsJson({
    ...(jsonFile === undefined ? {} : { file: jsonFile }),
    ...{ region, queuesEndpoint: queues.endpoint, log: silent },
    builds: { projects: {}, directory: dataDir ?? tmpdir() },
  });
  opened.use(json);
  const endpoints = { dynamodb: engine.endpoint, queues: queues.endpoint, json: json.endpoint };
  const clients = opened.use(clientsOf(endpoints));
  const names = namesOf(prefix);
  const bucket = `${prefix}-artifacts`;
  await provision(clients, names, bucket, await readRouting());
  const held = opened.move();
  return {
    env: { ...awsEnvironment(endpoints), RESOURCE_PREFIX: prefix, ARTIFACTS_BUCKET: bucket },
    ...{ endpoints, names, bucket, clients },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
};

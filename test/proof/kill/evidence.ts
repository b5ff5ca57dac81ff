/** What the system leaves behind, read when nothing moves any more. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { relaySubscription } from '../../../services/projector/relay.ts';
import { jsonText } from '#platform/json.ts';
import { namesOf } from '#platform/names.ts';
import { dynamoClient } from '#platform/dynamodb/client.ts';
import { environmentOfRunning } from '../../../services/local/running.ts';
import { eventually } from '#test/support/eventually.ts';
import type { FactName, History } from '#test/support/history.ts';
import { readRemembered, readStored } from '#test/support/stored.ts';
import { Announced, announcedFile } from './control.ts';

const shards = 16;

const announcedIn = (controlDir: string): FactName[] =>
  readFileSync(join(controlDir, announcedFile), 'utf8')
    .split('\n')
    .flatMap((line) => jsonText(Announced).safeParse(line).data ?? []);

type Evidence = Pick<History, 'stored' | 'announced' | 'remembered'>;

/** Reads until the relay has come to the end of a log that does not grow, and what was read is of one moment. */
export const evidenceOf = async (dataDir: string, controlDir: string, limitMs: number): Promise<Evidence> => {
  const {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_REGION: region,
    RESOURCE_PREFIX: prefix,
  } = environmentOfRunning(dataDir);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = dynamoClient({
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    credentials,
  });
  const names = namesOf(prefix ?? '');
  const read = async (): Promise<Evidence | undefined> => {
    const stored = await readStored(client, names, shards);
    const remembered = await readRemembered(client, names, relaySubscription, shards);
    const again = await readStored(client, names, shards);
    const heads = stored.log.map((commits) => commits.length);
    const isStill = again.log.every((commits, shard) => commits.length === heads[shard]);
    const isTold = remembered.every((position, shard) => position === heads[shard]);
    return isStill && isTold ? { stored, remembered, announced: announcedIn(controlDir) } : undefined;
  };
  try {
    return await eventually(read, 'the relay did not come to the end of the log', limitMs);
  } finally {
    client.destroy();
  }
};

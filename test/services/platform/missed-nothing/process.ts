/** How a process of the missed-nothing test begins: its work, its store, and its end when the harness is gone. */
import type { z } from 'zod';
import { readConfig, storeConfig } from '#platform/config.ts';
import { dynamoClient } from '#platform/dynamodb/client.ts';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { jsonText } from '#platform/json.ts';
import { namesOf } from '#platform/names.ts';

/** `work` comes as JSON on the command line. */
export const begin = <Work>(work: z.ZodType<Work>) => {
  process.once('disconnect', () => process.exit());
  const config = readConfig(storeConfig, process.env);
  const names = namesOf(config.RESOURCE_PREFIX);
  const client = dynamoClient();
  const store = dynamoStore({ client, names, shards: config.LOG_SHARDS, clock: Date.now });
  return { store, client, names, work: jsonText(work).parse(process.argv[2]) };
};

/** Resolves when the message is on its way to the harness. */
export const tell = (message: object): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (fault) => {
      if (fault) reject(fault);
      else resolve();
    });
  });

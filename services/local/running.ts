/** Where the embedded AWS of a data directory listens while it runs, for commands that are given in another terminal. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import { StartFault } from '#platform/lifetime.ts';
import { awsEnvironment } from './environment.ts';
import type { Endpoints } from './environment.ts';

const Running = jsonText(
  z.object({ prefix: z.string(), endpoints: z.object({ dynamodb: z.url(), queues: z.url(), json: z.url() }) }),
);

const pathIn = (dataDir: string): string => join(dataDir, 'aws.json');

export const tellRunning = (dataDir: string, prefix: string, endpoints: Endpoints): void =>
  writeFileSync(pathIn(dataDir), JSON.stringify({ prefix, endpoints }), { mode: 0o600 });

/** The environment in which a program finds it. Throws `StartFault` when nothing was ever started there. */
export const environmentOfRunning = (dataDir: string): Record<string, string> => {
  try {
    const { prefix, endpoints } = Running.parse(readFileSync(pathIn(dataDir), 'utf8'));
    return { ...awsEnvironment(endpoints), RESOURCE_PREFIX: prefix };
  } catch (cause) {
    throw new StartFault(`Nothing runs on ${dataDir}; start it with make run.`, { cause });
  }
};

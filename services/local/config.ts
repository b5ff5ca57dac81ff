/** What `make run` can be told by its environment. Whatever else is set is handed on to the services. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { splitCommand } from '#platform/agent/command-line.ts';
import { BadConfiguration, port, readConfig, storeConfig } from '#platform/config.ts';

const localConfig = storeConfig
  .pick({ RESOURCE_PREFIX: true })
  .extend({
    API_PORT: port.min(1).default(8081),
    DATA_DIR: z
      .string()
      .default('.data')
      .transform((directory) => resolve(directory)),
    /** Any ACP agent; without it Kiro where it is installed, and the demo agent where it is not. */
    AGENT_COMMAND: z
      .string()
      .refine((command) => splitCommand(command) !== undefined, 'is empty, or a quote in it is not closed')
      .optional(),
    /** A DynamoDB to use instead of the embedded engine. */
    DYNAMODB_ENDPOINT: z
      .url({ protocol: /^https?$/, error: 'must be an address such as http://127.0.0.1:8000' })
      .optional(),
    ARTIFACTS_BUCKET: z.string().min(3).optional(),
  })
  .transform(({ ARTIFACTS_BUCKET, ...config }) => ({
    ...config,
    ARTIFACTS_BUCKET: ARTIFACTS_BUCKET ?? `${config.RESOURCE_PREFIX}-artifacts`,
  }));

export type LocalConfig = z.infer<typeof localConfig>;

const faultsOf = (schema: z.ZodType, env: NodeJS.ProcessEnv): readonly string[] => {
  try {
    readConfig(schema, env);
    return [];
  } catch (fault) {
    if (fault instanceof BadConfiguration) return fault.faults;
    throw fault;
  }
};

/** Throws `BadConfiguration` with the faults of all, `services` included: nobody likes to be told one at a time. */
export const readLocalConfig = (env: NodeJS.ProcessEnv, services: readonly z.ZodType[]): LocalConfig => {
  const faults = new Set([localConfig, ...services].flatMap((schema) => faultsOf(schema, env)));
  if (faults.size > 0) throw new BadConfiguration([...faults]);
  return readConfig(localConfig, env);
};

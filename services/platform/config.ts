/** Configuration is the environment, read once through one schema per service. */
import { z } from 'zod';

/** sysexits.h EX_CONFIG: what a supervisor must not answer with a restart. */
export const badConfigurationExit = 78;

export class BadConfiguration extends Error {
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(`bad configuration:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}

/** Reads every variable the schema names; throws `BadConfiguration` with all faults at once. An empty variable counts as not set. */
export const readConfig = <Config>(schema: z.ZodType<Config>, env: NodeJS.ProcessEnv): Config => {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  throw new BadConfiguration(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
};

export const port = z.coerce.number().int().min(0).max(65_535);
export const milliseconds = z.coerce.number().int().positive();
/** Several values in one variable, separated by commas. */
export const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );
export const count = z.coerce.number().int().positive();

/** What every service needs to find the store; the SDK reads endpoints, region and credentials from the environment itself. */
export const storeConfig = z.object({
  RESOURCE_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,27}$/, 'must be at most 28 lower-case letters, digits and hyphens')
    .default('kiro'),
  ARTIFACTS_BUCKET: z.string().min(3).default('kiro-artifacts'),
  /** Fixed when the tables are made: another number would split the order of every stream. */
  LOG_SHARDS: z.coerce.number().int().min(1).max(256).default(16),
});

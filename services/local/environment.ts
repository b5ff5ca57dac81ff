/** What a process needs to find the embedded AWS, and nothing that could lead it to a real account. */
import type { LocalConfig } from './config.ts';

export type Endpoints = { readonly dynamodb: string; readonly queues: string; readonly json: string };

/** Where everything local says it is. */
export const region = 'us-east-1';

/** A person's own settings are about another AWS: profiles, accounts, rules for addresses. */
const noSettings = {
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
};

export const withoutOwnAws = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('AWS_'))),
  ...noSettings,
});

export const awsEnvironment = ({ dynamodb, queues, json }: Endpoints): Record<string, string> => ({
  ...noSettings,
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  // EventBridge, CodeBuild, Secrets Manager; and any other service ends here, with a refusal, and not at AWS.
  AWS_ENDPOINT_URL: json,
  AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
  AWS_ENDPOINT_URL_SQS: queues,
  AWS_ENDPOINT_URL_SNS: queues,
  AWS_ENDPOINT_URL_S3: queues,
});

/** What a service finds in its environment: what we were given, but for anything that names a person's AWS account. */
export const serviceEnvironment = (
  env: NodeJS.ProcessEnv,
  config: LocalConfig,
  endpoints: Endpoints,
  agentCommand: string,
): NodeJS.ProcessEnv => ({
  // Whoever presses Ctrl-C waits; a task that is handed back goes on with the next start.
  SHUTDOWN_GRACE_MS: '5000',
  // Nobody asks for their health here, and two systems on one machine must not meet.
  WORKER_HEALTH_PORT: '0',
  PROJECTOR_HEALTH_PORT: '0',
  ...withoutOwnAws(env),
  ...awsEnvironment(endpoints),
  RESOURCE_PREFIX: config.RESOURCE_PREFIX,
  ARTIFACTS_BUCKET: config.ARTIFACTS_BUCKET,
  DATA_DIR: config.DATA_DIR,
  API_HOST: '127.0.0.1',
  API_PORT: String(config.API_PORT),
  AGENT_COMMAND: agentCommand,
});

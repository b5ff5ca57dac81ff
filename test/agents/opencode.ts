/** opencode: an agent by other people, which disagrees with our reading of ACP where only strangers can. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const opencodeVersion = '1.18.33';
export const opencodeFolder = fileURLToPath(new URL('../../.cache/agents/opencode', import.meta.url));

/** The program itself; the package's own start script would only look for it. */
export const opencodeProgram = join(
  opencodeFolder,
  `node_modules/opencode-${process.platform}-${process.arch}/bin/opencode`,
);

export type AgentCommand = {
  readonly command: string;
  readonly args: readonly string[];
  /** All of it must reach the agent. */
  readonly env: Readonly<Record<string, string>>;
};

/** opencode with its home in `dir` and the stub at `llmUrl` as its only model: it looks at nothing of its user's. */
export const opencodeCommand = (dir: string, llmUrl: string): AgentCommand => {
  const models = { stub: { name: 'Stub', limit: { context: 100_000, output: 4096 } } };
  const options = { baseURL: llmUrl, apiKey: 'none' };
  const config = {
    ...{ model: 'stub/stub', small_model: 'stub/stub', autoupdate: false, share: 'disabled' },
    enabled_providers: ['stub'],
    provider: { stub: { npm: '@ai-sdk/openai-compatible', name: 'Stub', options, models } },
    permission: { edit: 'ask', bash: 'ask' },
  };
  return {
    command: opencodeProgram,
    args: ['acp'],
    env: {
      HOME: dir,
      XDG_DATA_HOME: join(dir, 'data'),
      XDG_CONFIG_HOME: join(dir, 'config'),
      XDG_CACHE_HOME: join(dir, 'cache'),
      XDG_STATE_HOME: join(dir, 'state'),
      OPENCODE_CONFIG_CONTENT: JSON.stringify(config),
      OPENCODE_DISABLE_MODELS_FETCH: '1',
    },
  };
};

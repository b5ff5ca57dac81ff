/** From what the environment says to what each part of the worker wants to know. */
import type { AgentSettings } from '#platform/agent/start-agent.ts';
import { workspaces } from '#platform/agent/workspace.ts';
import type { WorkerConfig } from './config.ts';
import type { DirectoryOptions } from './directories.ts';
import type { PoolSettings } from './pool.ts';

export const agentSettingsOf = (config: WorkerConfig, env: NodeJS.ProcessEnv): AgentSettings => ({
  command: config.AGENT_COMMAND,
  protocol: config.AGENT_PROTOCOL,
  permissions: config.AGENT_PERMISSIONS,
  ...(config.AGENT_MODEL === undefined ? {} : { model: config.AGENT_MODEL }),
  ...(config.AGENT_ISOLATION === undefined ? {} : { isolation: config.AGENT_ISOLATION }),
  startLimitMs: config.AGENT_START_LIMIT_MS,
  idleLimitMs: config.AGENT_IDLE_LIMIT_MS,
  stopGraceMs: config.AGENT_STOP_GRACE_MS,
  cwd: config.agentsDir,
  recordDir: config.recordDir,
  envNames: config.AGENT_ENV,
  env,
});

export const poolSettingsOf = (config: WorkerConfig): PoolSettings => ({
  sessionsMax: config.SESSIONS_MAX,
  spares: config.SESSION_SPARES,
  idleMs: config.SESSION_IDLE_MS,
  tasksMax: config.SESSION_TASKS_MAX,
  contextPercentMax: config.SESSION_CONTEXT_MAX,
});

export const directoryOptionsOf = (
  config: WorkerConfig,
  env: NodeJS.ProcessEnv,
  clock: () => number,
): DirectoryOptions => ({
  root: config.sessionsDir,
  keepMs: config.WORK_DIRECTORY_KEEP_MS,
  clock,
  workspaces: workspaces({
    root: config.sessionsDir,
    bytesMax: config.WORK_DIRECTORY_BYTES_MAX,
    git: { protocols: config.GIT_PROTOCOLS, timeoutMs: config.GIT_TIMEOUT_MS, env },
  }),
});

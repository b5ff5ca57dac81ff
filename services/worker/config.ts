/** What a worker can be told by its environment. */
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { PermissionPolicy } from '#platform/agent/permissions.ts';
import { count, list, milliseconds, port, storeConfig } from '#platform/config.ts';

export const workerConfig = storeConfig
  .extend({
    WORKER_HEALTH_HOST: z.string().default('127.0.0.1'),
    WORKER_HEALTH_PORT: port.default(8082),
    DATA_DIR: z.string().default('.data'),
    /** Any ACP agent; `kiro-cli acp` is what this is made for. */
    AGENT_COMMAND: z.string().default('kiro-cli acp'),
    AGENT_PROTOCOL: z.enum(['auto', 'acp', 'stream-json']).default('auto'),
    AGENT_PERMISSIONS: PermissionPolicy.default('allow-workdir'),
    /** How an agent's processes are kept together; the best the host allows when it is not named. */
    AGENT_ISOLATION: z.enum(['namespace', 'group']).optional(),
    AGENT_MODEL: z.string().optional(),
    /** Names of variables that the agent sees beside the usual ones. */
    AGENT_ENV: list,
    /** Kiro needs 15 to 23 s on some hosts to fetch its profile. */
    AGENT_START_LIMIT_MS: milliseconds.default(60_000),
    /** Silence longer than this ends a turn; it is shorter than the task limit, so that the reason is told. */
    AGENT_IDLE_LIMIT_MS: milliseconds.default(240_000),
    AGENT_STOP_GRACE_MS: milliseconds.default(5_000),
    SESSIONS_MAX: count.default(5),
    /** Agents started ahead of need. */
    SESSION_SPARES: z.coerce.number().int().min(0).max(1).default(1),
    SESSION_IDLE_MS: milliseconds.default(600_000),
    /** A session that served this many tasks is closed after the last of them. */
    SESSION_TASKS_MAX: count.default(50),
    /** Percent of the agent's context in use at which its session is closed. */
    SESSION_CONTEXT_MAX: z.coerce.number().positive().max(100).default(90),
    /** How a repository may be fetched: https, and file where repositories on this machine are trusted. */
    GIT_PROTOCOLS: list.pipe(z.array(z.enum(['https', 'file']))).default(['https']),
    /** For each git command. */
    GIT_TIMEOUT_MS: milliseconds.default(120_000),
    /** How long a conversation finds its files again after it was last opened. */
    WORK_DIRECTORY_KEEP_MS: milliseconds.default(86_400_000),
    /** What a checkout may take on disk. */
    WORK_DIRECTORY_BYTES_MAX: count.default(2_147_483_648),
    /** How long running tasks may go on after SIGTERM before they are handed back; ECS kills after 120 s. */
    SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).max(100_000).default(60_000),
  })
  .transform((config) => {
    const dataDir = resolve(config.DATA_DIR);
    const inData = (name: string) => join(dataDir, name);
    const dirs = { agentsDir: inData('agents'), sessionsDir: inData('sessions'), recordDir: inData('running') };
    return { ...config, ...dirs, host: hostname() };
  });

export type WorkerConfig = z.infer<typeof workerConfig>;

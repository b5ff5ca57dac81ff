/** What a worker can be told by its environment. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { count, milliseconds, port, storeConfig } from '#platform/config.ts';

export const workerConfig = storeConfig
  .extend({
    WORKER_HEALTH_HOST: z.string().default('127.0.0.1'),
    WORKER_HEALTH_PORT: port.default(8082),
    DATA_DIR: z.string().default('.data'),
    /** Any ACP agent; `kiro-cli acp` is what this is made for. */
    AGENT_COMMAND: z.string().default('kiro-cli acp'),
    AGENT_PROTOCOL: z.enum(['auto', 'acp', 'stream-json']).default('auto'),
    AGENT_PERMISSIONS: z.enum(['allow-workdir', 'allow-all', 'deny-all']).default('allow-workdir'),
    /** Kiro needs 15 to 23 s on some hosts to fetch its profile. */
    AGENT_START_LIMIT_MS: milliseconds.default(60_000),
    /** Silence longer than this ends a turn; it is shorter than the task limit, so that the reason is told. */
    AGENT_IDLE_LIMIT_MS: milliseconds.default(240_000),
    AGENT_STOP_GRACE_MS: milliseconds.default(5_000),
    SESSIONS_MAX: count.default(5),
    SESSION_IDLE_MS: milliseconds.default(600_000),
    /** A session that served this many tasks is closed after the last of them. */
    SESSION_TASKS_MAX: count.default(50),
    /** Percent of the agent's context in use at which its session is closed. */
    SESSION_CONTEXT_MAX: z.coerce.number().positive().max(100).default(90),
    GIT_PROTOCOLS: z.string().default('https'),
    /** How long running tasks may go on after SIGTERM before they are handed back; ECS kills after 120 s. */
    SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).max(100_000).default(60_000),
  })
  .transform((config) => ({ ...config, host: hostname(), sessionsDir: join(config.DATA_DIR, 'sessions') }));

export type WorkerConfig = z.infer<typeof workerConfig>;

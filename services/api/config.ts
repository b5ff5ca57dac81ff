/** What the Kiro API can be told by its environment. */
import { z } from 'zod';
import { count, list, milliseconds, port, storeConfig } from '#platform/config.ts';

const origins = list.pipe(
  z.array(
    z.string().refine((origin) => URL.canParse(origin) && new URL(origin).origin === origin, {
      error: ({ input }) => `${String(input)} is no origin such as https://console.example.com`,
    }),
  ),
);

export const apiConfig = storeConfig.extend({
  API_HOST: z.string().default('127.0.0.1'),
  API_PORT: port.default(8081),
  DATA_DIR: z.string().default('.data'),
  /** Pages of these origins may read our answers and open live channels; our own pages always may. */
  ALLOWED_ORIGINS: origins,
  /** Names beside 127.0.0.1 and localhost that a server on loopback is known by. */
  ALLOWED_HOSTS: list,
  /** How long a task may run that asks for nothing else, and at most. */
  TASK_TIMEOUT_MS: milliseconds.min(1_000).default(300_000),
  /** How often a task is tried before it has failed. */
  ATTEMPTS_MAX: count.default(3),
  /** Tasks that wait for a worker; past this number new ones are refused. */
  PENDING_MAX: count.default(10_000),
  /** Submissions on their way to the store at the same time: enough to keep it busy, few enough that refusals need not wait. */
  SUBMITS_MAX: count.default(32),
  /** Requests of one key. */
  RATE_PER_SECOND: count.default(50),
  /** Live channels of this instance. */
  SOCKETS_MAX: count.default(5_000),
  /** How long answers in the making may take after SIGTERM; ECS kills after 120 s. */
  SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).max(100_000).default(20_000),
});

export type ApiConfig = z.infer<typeof apiConfig>;

/** What the projector can be told by its environment. */
import { z } from 'zod';
import { milliseconds, port, storeConfig } from '#platform/config.ts';

export const projectorConfig = storeConfig.extend({
  PROJECTOR_HEALTH_HOST: z.string().default('127.0.0.1'),
  PROJECTOR_HEALTH_PORT: port.default(8083),
  /** A projector that dies is replaced by another after this long and one renewal. */
  PROJECTOR_LEASE_MS: milliseconds.min(1_000).default(10_000),
});

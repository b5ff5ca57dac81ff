/** UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits, so that ids sort by the time they were made. */
import { randomUUID } from 'node:crypto';

/** Version 4 has its variant and its random bits in the same places, and Node draws those of many ids at once. */
export const uuidv7 = (nowMs: number): string => {
  const time = nowMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
};

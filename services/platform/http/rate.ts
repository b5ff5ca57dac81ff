/** A bucket of tokens for every key: no key takes more than its share, and each is told what it has left. */
import { createMiddleware } from 'hono/factory';
import type { PrincipalEnv } from './principal.ts';
import { problem } from './problem.ts';

/** Two seconds' worth may be asked for at once. */
const burstSeconds = 2;
const bucketsMax = 10_000;

type Bucket = { tokens: number; at: number };

export const rateLimit = (perSecond: number, clock: () => number) => {
  const buckets = new Map<string, Bucket>();
  const burst = perSecond * burstSeconds;

  /** Full again means as if never seen. */
  const drop = (now: number): void => {
    for (const [key, { at }] of buckets) if (now - at >= burstSeconds * 1000) buckets.delete(key);
  };

  const take = (key: string, now: number): number => {
    if (buckets.size > bucketsMax) drop(now);
    const { tokens, at } = buckets.get(key) ?? { tokens: burst, at: now };
    const filled = Math.min(burst, tokens + (Math.max(0, now - at) / 1000) * perSecond);
    buckets.set(key, { tokens: filled < 1 ? filled : filled - 1, at: now });
    return filled;
  };

  return createMiddleware<PrincipalEnv>(async (c, next) => {
    const left = take(c.get('principal').keyId, clock());
    c.header('ratelimit-policy', `"key";q=${burst};w=${burstSeconds}`);
    c.header('ratelimit', `"key";r=${Math.max(0, Math.floor(left - 1))};t=1`);
    if (left < 1) {
      const detail = `This key may ask ${perSecond} times a second.`;
      return problem(c, 'rate-limited', { detail, headers: { 'retry-after': '1' } });
    }
    await next();
    return undefined;
  });
};

/** Which pages of other origins may talk to us: those that are listed, and our own. */
import type { Context, MiddlewareHandler } from 'hono';

/** Programs send no `Origin`; browsers always do. A page that we served ourselves has our own host in it. */
export const originAllowed = (c: Context, allowed: readonly string[]): boolean => {
  const origin = c.req.header('origin');
  if (origin === undefined || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === (c.req.header('host') ?? new URL(c.req.url).host);
};

const exposed = 'etag, idempotency-replayed, link, location, ratelimit, ratelimit-policy, retry-after, x-request-id';

/** The headers that let listed pages read our answers. Set before the answer is made, which costs least. */
export const cors =
  (allowed: readonly string[]): MiddlewareHandler =>
  async (c, next) => {
    const origin = c.req.header('origin');
    if (allowed.length > 0) c.header('vary', 'origin');
    if (origin !== undefined && allowed.includes(origin)) {
      c.header('access-control-allow-origin', origin);
      c.header('access-control-expose-headers', exposed);
      if (c.req.method === 'OPTIONS') {
        c.header('access-control-allow-methods', 'GET, HEAD, POST');
        c.header(
          'access-control-allow-headers',
          'authorization, content-type, idempotency-key, if-none-match, last-event-id, traceparent, x-request-id',
        );
        c.header('access-control-max-age', '600');
      }
    }
    await next();
  };

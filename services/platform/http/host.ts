/**
 * A server on loopback answers only to its own names. Otherwise any page could point a name of its own at 127.0.0.1 (DNS
 * rebinding) and be taken for us by the browser.
 */
import type { MiddlewareHandler } from 'hono';
import { problem } from './problem.ts';

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]', '::1']);

export const isLoopback = (host: string): boolean => loopback.has(host.toLowerCase());

/** The name without its port, as URLs write it. */
const nameOf = (host: string): string | undefined => {
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
};

/** `bound` is the address the server listens on; `more` are further names it is known by. */
export const hostGuard = (bound: string, more: readonly string[]): MiddlewareHandler => {
  const known = new Set([...loopback, ...more.map((name) => name.toLowerCase())]);
  const guarded = isLoopback(bound);
  return async (c, next) => {
    const host = c.req.header('host') ?? new URL(c.req.url).host;
    if (guarded && !known.has(nameOf(host) ?? '')) {
      return problem(c, 'misdirected', { detail: 'Names that are to reach this server are listed in ALLOWED_HOSTS.' });
    }
    await next();
    return undefined;
  };
};

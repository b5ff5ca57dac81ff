/** What a caller is told when something failed that is not the caller's doing, and what the log is told. */
import type { Context, ErrorHandler, Hono, Env, NotFoundHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Log } from '../log.ts';
import { InvalidCursor } from '../store.ts';
import { problem } from './problem.ts';
import type { RequestEnv } from './request.ts';

/** A part this service stands on did not answer. What was asked for may or may not have happened. */
export class Unavailable extends Error {
  readonly dependency: string;
  constructor(dependency: string, cause: unknown) {
    super(`${dependency} does not answer`, { cause });
    this.dependency = dependency;
  }
}

/** Names the dependency in whatever a call to it throws. */
export const naming =
  <Args extends unknown[], Result>(dependency: string, call: (...args: Args) => Promise<Result>) =>
  async (...args: Args): Promise<Result> => {
    try {
      return await call(...args);
    } catch (cause) {
      if (cause instanceof InvalidCursor) throw cause;
      throw new Unavailable(dependency, cause);
    }
  };

export const tellFault =
  <E extends RequestEnv>(log: Log): ErrorHandler<E> =>
  (fault, c: Context<E>) => {
    if (fault instanceof HTTPException) {
      return problem(c, fault.status === 415 ? 'unsupported-media-type' : 'malformed-request', {
        detail: fault.message,
      });
    }
    if (fault instanceof InvalidCursor) {
      return problem(c, 'invalid-request', { errors: [{ pointer: 'cursor', detail: 'was not made by this list' }] });
    }
    const { method, path } = c.req;
    log.problem('request.failed', { requestId: c.get('requestId'), method, path, err: fault });
    if (!(fault instanceof Unavailable)) return problem(c, 'internal');
    const detail = `${fault.dependency} does not answer. Repeat the request with the same Idempotency-Key.`;
    return problem(c, 'unavailable', { detail, headers: { 'retry-after': '2' } });
  };

/** The methods that some route of the app has for this path. */
export const methodsOf = <E extends Env>(app: Hono<E>, path: string): string[] => {
  const methods = app.routes
    .filter(({ method }) => method !== 'ALL')
    .filter((route) => new RegExp(`^${route.path.replaceAll(/:[^/]+/g, '[^/]+')}$`).test(path))
    .map(({ method }) => method);
  const all = methods.includes('GET') ? [...methods, 'HEAD'] : methods;
  return all.length === 0 ? [] : [...new Set([...all, 'OPTIONS'])].sort();
};

/** An address that exists answers a wrong method with those it knows (RFC 9110, section 15.5.6). */
export const tellNotFound =
  <E extends Env>(app: Hono<E>): NotFoundHandler<E> =>
  (c) => {
    const allow = methodsOf(app, c.req.path);
    return allow.length === 0
      ? problem(c, 'not-found', { detail: 'This address is not known.' })
      : problem(c, 'method-not-allowed', { headers: { allow: allow.join(', ') } });
  };

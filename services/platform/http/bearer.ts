/** Who asks: the bearer token of a request becomes a principal, or the request is refused. */
import { createMiddleware } from 'hono/factory';
import type { Context } from 'hono';
import type { Log } from '../log.ts';
import type { Keyring } from './keyring.ts';
import type { PrincipalEnv } from './principal.ts';
import { problem } from './problem.ts';
import type { RequestEnv } from './request.ts';

const challenge = 'Bearer realm="kiro-dispatch"';

export const unauthenticated = (c: Context, detail: string, error = '') =>
  problem(c, 'unauthenticated', { detail, headers: { 'www-authenticate': challenge + error } });

/** What the header names, or undefined when there is none. */
export const bearerToken = (c: Context): string | undefined =>
  /^bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '')?.[1];

/** Whatever is registered after this on an app is closed to everybody without a valid key. */
export const bearer = (keys: Pick<Keyring, 'authenticate'>, log: Log) =>
  createMiddleware<PrincipalEnv & RequestEnv>(async (c, next) => {
    const token = bearerToken(c);
    if (token === undefined) return unauthenticated(c, 'Send `Authorization: Bearer <API key>`.');
    const principal = await keys.authenticate(token);
    if (!principal) {
      log('key.refused', { requestId: c.var.requestId, path: c.req.path });
      return unauthenticated(c, 'The key is unknown or revoked.', ', error="invalid_token"');
    }
    c.set('principal', principal);
    await next();
    return undefined;
  });

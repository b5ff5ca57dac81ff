/** Every request has an id and belongs to a trace; both go back to the caller and into the facts that the request makes true. */
import { SpanStatusCode } from '@opentelemetry/api';
import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import { uuidv7 } from '../uuid.ts';
import type { Origin } from '../store.ts';
import { currentTraceparent, traced } from '../telemetry.ts';
import type { PrincipalEnv } from './principal.ts';

export type RequestEnv = { Variables: { requestId: string } };

const form = /^[A-Za-z0-9._:-]{1,128}$/;

export const identifyRequest = (clock: () => number) =>
  createMiddleware<RequestEnv>(async (c, next) => {
    const given = c.req.header('x-request-id') ?? '';
    const requestId = form.test(given) ? given : uuidv7(clock());
    c.set('requestId', requestId);
    c.header('x-request-id', requestId);
    const parent = c.req.header('traceparent');
    const attributes = { 'http.request.method': c.req.method, 'url.path': c.req.path };
    await traced(c.req.method, { kind: 'server', parent, attributes }, async (span) => {
      const traceparent = currentTraceparent();
      if (traceparent !== undefined) c.header('traceparent', traceparent);
      await next();
      // The route is known once it has answered; the path itself would be a name for every task.
      span.updateName(`${c.req.method} ${routePath(c, -1)}`);
      span.setAttribute('http.response.status_code', c.res.status);
      if (c.res.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    });
  });

/** What surrounds the facts that a request makes true: the account that asked, and the request it goes back to. */
export const originOf = ({
  principal,
  requestId,
}: Readonly<PrincipalEnv['Variables'] & RequestEnv['Variables']>): Origin => {
  const traceparent = currentTraceparent();
  return {
    actor: `account:${principal.accountId}`,
    correlationId: requestId,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
};

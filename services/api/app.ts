/** The Kiro API, put together from what it is handed. Read top to bottom: what comes first is asked first. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Hook } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { bearer } from '#platform/http/bearer.ts';
import { methodsOf, tellFault, tellNotFound } from '#platform/http/faults.ts';
import { hostGuard } from '#platform/http/host.ts';
import { acceptFormat, bodyFormat, bodySize, bodyText } from '#platform/http/limits.ts';
import { cors } from '#platform/http/origin.ts';
import { fieldErrors, problem } from '#platform/http/problem.ts';
import { rateLimit } from '#platform/http/rate.ts';
import { identifyRequest } from '#platform/http/request.ts';
import { addDocs } from './docs.ts';
import type { ApiApp, ApiEnv, ApiParts } from './env.ts';
import { addHealth } from './health.ts';
import { addChannel, addTicketDoor } from './live/channel.ts';
import { addTaskLive } from './live/sse.ts';
import { addTickets } from './live/tickets.ts';
import { addSessions } from './sessions.ts';
import { addSubmit } from './submit.ts';
import { addTaskList } from './task-list.ts';
import { addTasks } from './tasks.ts';

/** An address with an id that is none leads nowhere; everything else that a schema refuses is told field by field. */
const tellInvalid: Hook<unknown, ApiEnv, string, unknown> = (result, c) => {
  if (result.success) return undefined;
  if (result.target === 'param') return problem(c, 'not-found');
  return problem(c, 'invalid-request', { errors: fieldErrors(result.error) });
};

/** Set before the answer is made, which costs least; what a route knows better it says again. */
const plainHeaders: MiddlewareHandler = async (c, next) => {
  c.header('cache-control', 'no-store');
  c.header('x-content-type-options', 'nosniff');
  await next();
};

/** What a browser asks before it asks, and who else wants to know; nothing that the document does not say. */
const tellMethods =
  (app: ApiApp): MiddlewareHandler =>
  async (c, next) => {
    const allow = c.req.method === 'OPTIONS' ? methodsOf(app, c.req.path) : [];
    if (allow.length > 0) return c.body(null, 204, { allow: allow.join(', ') });
    await next();
    return undefined;
  };

const formatOf = (path: string): string =>
  path.startsWith('/api/task/') && path.endsWith('/live') ? 'text/event-stream' : 'application/json';

export const apiApp = (parts: ApiParts): ApiApp => {
  const { log, clock, config, keys, notes, sockets } = parts;
  const app = new OpenAPIHono<ApiEnv>({ defaultHook: tellInvalid });
  app.onError(tellFault(log));
  app.notFound(tellNotFound(app));
  app.use(identifyRequest(clock), plainHeaders, cors(config.ALLOWED_ORIGINS));
  app.use(hostGuard(config.API_HOST, config.ALLOWED_HOSTS), tellMethods(app));

  // Open to everybody.
  addHealth(app, parts);
  addDocs(app);
  const channel = { notes, keys, clock, sockets, allowedOrigins: config.ALLOWED_ORIGINS };
  addTicketDoor(app, channel);

  // From here on nobody without a key.
  app.use(bearer(keys, log), rateLimit(config.RATE_PER_SECOND, clock));
  app.use(acceptFormat(formatOf), bodyFormat, bodySize, bodyText);
  addSubmit(app, parts);
  addTaskList(app, parts);
  addTasks(app, parts);
  addTaskLive(app, parts);
  addSessions(app, parts);
  addTickets(app, channel);
  addChannel(app, channel);
  return app;
};

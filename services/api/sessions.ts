/** The conversations and the agent processes behind them: list, read, close. */
import { createRoute, z } from '@hono/zod-openapi';
import { catalog } from '#events/catalog.ts';
import { SessionId } from '#events/ids.ts';
import { Session, session } from '#events/session.ts';
import { handler } from '#platform/handle.ts';
import { maySee, seesEverything } from '#platform/http/principal.ts';
import type { Principal } from '#platform/http/principal.ts';
import { problem, refusal } from '#platform/http/problem.ts';
import { originOf } from '#platform/http/request.ts';
import type { Store } from '#platform/store.ts';
import type { ApiApp, ApiParts } from './env.ts';
import { linkHeader, linkNext, noQuery, pageQuery } from './paging.ts';
import { isoTime } from './task-view.ts';

const time = z.iso.datetime();

const SessionView = z
  .object({
    ...Session.shape,
    taskIds: z.array(z.uuid()),
    createdAt: time,
    lastActivity: time,
    closedAt: time.optional(),
    version: z.int(),
  })
  .openapi('Session');

const params = z.object({ id: SessionId });

const listRoute = createRoute({
  method: 'get',
  path: '/api/sessions',
  summary: 'List sessions, newest first',
  tags: ['Sessions'],
  request: { query: z.strictObject(pageQuery) },
  responses: {
    200: {
      description: 'Own sessions, or all of them for operators.',
      headers: linkHeader,
      content: {
        'application/json': { schema: z.object({ sessions: z.array(SessionView), next: z.string().optional() }) },
      },
    },
    422: refusal('invalid-request'),
  },
});

const readRoute = createRoute({
  method: 'get',
  path: '/api/session/{id}',
  summary: 'Read a session',
  tags: ['Sessions'],
  request: { params, query: noQuery },
  responses: {
    200: { description: 'The session.', content: { 'application/json': { schema: SessionView } } },
    404: refusal('not-found'),
    422: refusal('invalid-request'),
  },
});

const closeRoute = createRoute({
  method: 'post',
  path: '/api/session/{id}/close',
  summary: 'Close a session that is not working',
  tags: ['Sessions'],
  request: { params, query: noQuery },
  responses: {
    202: {
      description: 'The session is closed; its worker ends the agent process. Repeating this changes nothing.',
      content: { 'application/json': { schema: SessionView } },
    },
    404: refusal('not-found'),
    409: refusal('session-busy'),
    422: refusal('invalid-request'),
  },
});

const viewOf = (of: Session, version: number): z.infer<typeof SessionView> => ({
  ...of,
  createdAt: isoTime(of.createdAt),
  lastActivity: isoTime(of.lastActivity),
  closedAt: of.closedAt === undefined ? undefined : isoTime(of.closedAt),
  version,
});

const readVisible = async (principal: Principal, id: SessionId, { readRow }: Pick<Store, 'readRow'>) => {
  const stored = await readRow(`session/${id}`);
  if (!stored) return undefined;
  const found = Session.parse(stored.row);
  return maySee(principal, found.owner) ? { session: found, version: stored.version } : undefined;
};

export const addSessions = (app: ApiApp, { store, clock, log }: ApiParts): void => {
  const handle = handler(session, catalog.session.parseRow, store, clock);

  app.openapi(listRoute, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const principal = c.var.principal;
    const own = { by: { field: 'owner', equals: principal.accountId } } as const;
    const { rows, next } = await store.listRows('session', {
      ...(seesEverything(principal) ? {} : own),
      order: 'newest-first',
      limit,
      ...(cursor === undefined ? {} : { after: cursor }),
    });
    const sessions = rows.map(({ row, version }) => viewOf(Session.parse(row), version));
    if (next === undefined) return c.json({ sessions }, 200);
    linkNext(c, 'cursor', next);
    return c.json({ sessions, next }, 200);
  });

  app.openapi(readRoute, async (c) => {
    const found = await readVisible(c.var.principal, c.req.valid('param').id, store);
    return found ? c.json(viewOf(found.session, found.version), 200) : problem(c, 'not-found');
  });

  app.openapi(closeRoute, async (c) => {
    const { id } = c.req.valid('param');
    const found = await readVisible(c.var.principal, id, store);
    if (!found) return problem(c, 'not-found');
    const known = { state: found.session, version: found.version };
    const handled = await handle(`session/${id}`, { type: 'close', reason: 'requested' }, originOf(c.var), { known });
    if (handled.outcome === 'refused') {
      return problem(c, handled.refusal === 'session-busy' ? 'session-busy' : 'not-found');
    }
    if (handled.outcome === 'fenced' || handled.outcome === 'duplicate')
      throw new Error(`close was ${handled.outcome}`);
    if (handled.state.status === 'absent') throw new Error(`session/${id} was closed without being there`);
    log('session.close-requested', {
      sessionId: id,
      accountId: c.var.principal.accountId,
      requestId: c.var.requestId,
    });
    return c.json(viewOf(handled.state, handled.version), 202);
  });
};

/** `WS /api/live`: who may open a live channel, and from where. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { unauthenticated } from '#platform/http/bearer.ts';
import { originAllowed } from '#platform/http/origin.ts';
import type { Principal } from '#platform/http/principal.ts';
import { problem, refusal } from '#platform/http/problem.ts';
import type { ApiApp, ApiEnv } from '../env.ts';
import { overloaded } from '../overload.ts';
import type { LiveSockets } from './sockets.ts';
import { redeemTicket } from './tickets.ts';
import type { TicketParts } from './tickets.ts';

const channelRoute = createRoute({
  method: 'get',
  path: '/api/live',
  summary: 'The live channel (WebSocket)',
  tags: ['Live'],
  description: [
    'Handshake with a bearer header or `?ticket=`. Messages are JSON.',
    'You say `{"type":"subscribe","stream":"task/<id>","after":0}`, `{"type":"unsubscribe","stream"}`, `{"type":"ping"}`;',
    '`"stream":"$mine"` follows all your tasks, `after` is then the cursor of the last message you saw.',
    'You hear `{"type":"event","stream","version","event"}` in order and each version once, `{"type":"live","stream"}`',
    'when you have caught up, `{"type":"error","code","message"}`. Frames may have 64 KiB. A reader that is too slow is',
    'told where to resume and closed with 1013; 4401 says that the key was revoked or its role changed.',
  ].join(' '),
  request: { query: z.strictObject({ ticket: z.string().max(100).optional() }) },
  responses: {
    101: { description: 'The channel is open.' },
    403: refusal('origin-refused'),
    422: refusal('invalid-request'),
    426: refusal('upgrade-required'),
    503: refusal('overloaded'),
  },
});

export type ChannelParts = TicketParts & { readonly sockets: LiveSockets; readonly allowedOrigins: readonly string[] };

/** Registered before the bearer check, which a ticket stands in for. */
export const addTicketDoor = (app: ApiApp, parts: ChannelParts): void => {
  app.get('/api/live', async (c, next) => {
    const ticket = c.req.query('ticket');
    if (ticket === undefined) {
      await next();
      return undefined;
    }
    if (new URL(c.req.url).searchParams.size > 1) {
      return problem(c, 'invalid-request', { errors: [{ pointer: '/ticket', detail: 'is given alone, and once' }] });
    }
    // What is refused anyway does not use the ticket up.
    const refused = refuse(c, parts);
    if (refused) return refused;
    const principal = await redeemTicket(ticket, parts);
    return principal ? open(c, principal, parts) : unauthenticated(c, 'The ticket is unknown, used or too old.');
  });
};

export const addChannel = (app: ApiApp, parts: ChannelParts): void => {
  app.openapi(channelRoute, (c) => refuse(c, parts) ?? open(c, c.var.principal, parts));
};

const full = { detail: 'This instance carries as many live channels as it can.', retryAfterSeconds: 5 };

const refuse = (c: Context<ApiEnv>, { sockets, allowedOrigins }: ChannelParts) => {
  if (!originAllowed(c, allowedOrigins)) return problem(c, 'origin-refused');
  if (!c.env.accept) return problem(c, 'upgrade-required', { headers: { upgrade: 'websocket' } });
  if (sockets.isFull()) return overloaded(c, full);
  return undefined;
};

/** The answer is not sent: the handshake is. */
const open = (c: Context<ApiEnv>, principal: Principal, { sockets }: ChannelParts): Response => {
  c.env.accept?.((socket) => sockets.open(socket, principal));
  return c.body(null);
};

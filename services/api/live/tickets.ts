/** Tickets for the live channel: a browser cannot send a header with its handshake, and a key has no place in an address. */
import { createRoute, z } from '@hono/zod-openapi';
import { Role } from '#events/account.ts';
import { AccountId } from '#events/ids.ts';
import { hashOf, randomBase62 } from '#platform/http/api-key.ts';
import type { Keyring } from '#platform/http/keyring.ts';
import type { Principal } from '#platform/http/principal.ts';
import { refusal } from '#platform/http/problem.ts';
import { jsonText } from '#platform/json.ts';
import type { Runtime } from '#platform/runtime.ts';
import type { ApiApp } from '../env.ts';
import { noQuery } from '../paging.ts';
import { isoTime } from '../task-view.ts';

const ticketMs = 30_000;

const Holder = jsonText(z.object({ accountId: AccountId, role: Role, keyId: z.string() }));
/** The ticket itself is not kept: who can read the note cannot use it. */
const noteKey = (ticket: string): string => `live-ticket:${hashOf(ticket)}`;

export type TicketParts = {
  readonly notes: Pick<Runtime, 'putNote' | 'takeNote'>;
  readonly keys: Pick<Keyring, 'renew'>;
  readonly clock: () => number;
};

/** Who the ticket was given to, once, unless its key has been revoked since. */
export const redeemTicket = async (ticket: string, { notes, keys }: TicketParts): Promise<Principal | undefined> => {
  const note = await notes.takeNote(noteKey(ticket));
  return note === undefined ? undefined : keys.renew(Holder.parse(note));
};

const ticketRoute = createRoute({
  method: 'post',
  path: '/api/live/ticket',
  summary: 'Get a ticket for the live channel',
  tags: ['Live'],
  request: { query: noQuery },
  responses: {
    200: {
      description: 'Opens `/api/live?ticket=…` once, within 30 seconds.',
      content: { 'application/json': { schema: z.object({ ticket: z.string(), expiresAt: z.iso.datetime() }) } },
    },
    422: refusal('invalid-request'),
  },
});

export const addTickets = (app: ApiApp, { notes, clock }: TicketParts): void => {
  app.openapi(ticketRoute, async (c) => {
    const ticket = randomBase62(43);
    const expiresAt = clock() + ticketMs;
    await notes.putNote(noteKey(ticket), JSON.stringify(c.var.principal), expiresAt);
    return c.json({ ticket, expiresAt: isoTime(expiresAt) }, 200);
  });
};

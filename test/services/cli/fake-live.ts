/** The live channel of the fake service. Each connection may come with a fault. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { StreamId } from '#events/envelope.ts';
import { jsonText } from '#platform/json.ts';
import type { StoredTaskEvent } from '#events/task.ts';

type Refusal = { readonly status: number; readonly body?: string; readonly retryAfter?: string };

export type LiveFault =
  | { readonly fault: 'none' }
  /** The handshake is answered with this status. */
  | ({ readonly fault: 'refused' } & Refusal)
  /** Ended behind so many facts, by a close frame or without a word. */
  | { readonly fault: 'ended'; readonly behind: number; readonly how: 'closed' | 'cut' }
  /** The first so many facts come twice. */
  | { readonly fault: 'doubled'; readonly until: number }
  /** The first fact after the subscription is left out, unless it is the last there is. */
  | { readonly fault: 'gap' }
  /** Neither facts nor pongs come, and the connection stays. */
  | { readonly fault: 'mute' }
  | { readonly fault: 'said'; readonly code: string; readonly message: string };

const answerOf = ({ status, body = '', retryAfter }: Refusal): string =>
  [
    `HTTP/1.1 ${status} No`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...(retryAfter === undefined ? [] : [`retry-after: ${retryAfter}`]),
    '',
    body,
  ].join('\r\n');

const Subscribe = jsonText(z.object({ type: z.literal('subscribe'), stream: StreamId, after: z.int() }));

export const liveDoor = (
  factsOf: (stream: StreamId) => readonly StoredTaskEvent[] | undefined,
  appended: EventTarget,
  key: string,
) => {
  const faults: LiveFault[] = [];
  const askedAfter: number[] = [];
  const sockets = new Set<WebSocket>();
  const heard = new EventTarget();
  const polite = new WebSocketServer({ noServer: true });
  const mute = new WebSocketServer({ noServer: true, autoPong: false });

  const serve = (socket: WebSocket, fault: LiveFault): void => {
    const say = (message: object): void => socket.send(JSON.stringify(message));
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('ping', () => heard.dispatchEvent(new Event('pinged')));
    socket.once('message', (data) => {
      const { stream, after } = Subscribe.parse(Buffer.isBuffer(data) ? data.toString('utf8') : undefined);
      askedAfter.push(after);
      let given = after;
      let live = false;
      const sendFact = (fact: StoredTaskEvent): void => {
        const times = fault.fault === 'doubled' && fact.version - after <= fault.until ? 2 : 1;
        const event = { type: 'event', stream, version: fact.version, event: fact };
        const isLeftOut =
          fault.fault === 'gap' && fact.version === after + 1 && fact.version < (factsOf(stream)?.length ?? 0);
        if (!isLeftOut) for (let n = 0; n < times; n += 1) say(event);
      };
      const pump = (): void => {
        for (const fact of factsOf(stream)?.slice(given) ?? []) {
          if (fault.fault === 'ended' && given - after >= fault.behind) break;
          given = fact.version;
          sendFact(fact);
        }
        if (fault.fault === 'ended' && given - after >= fault.behind) {
          if (fault.how === 'closed') socket.close(1000);
          else socket.terminate();
        } else if (!live) say({ type: 'live', stream });
        live = true;
      };
      socket.once('close', () => appended.removeEventListener('append', pump));
      heard.dispatchEvent(new Event('subscribed'));
      if (fault.fault === 'mute') return;
      if (fault.fault === 'said') {
        say({ type: 'error', code: fault.code, message: fault.message, stream });
        return;
      }
      appended.addEventListener('append', pump);
      pump();
    });
  };

  return {
    faults,
    askedAfter,
    drop: (): void => {
      for (const socket of sockets) socket.terminate();
      sockets.clear();
    },
    subscribed: async (): Promise<void> => {
      await once(heard, 'subscribed');
    },
    pinged: async (): Promise<void> => {
      await once(heard, 'pinged');
    },
    upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      const fault = faults.shift() ?? { fault: 'none' };
      const allowed = request.headers.authorization === `Bearer ${key}`;
      const refusal: Refusal | undefined = fault.fault === 'refused' ? fault : allowed ? undefined : { status: 401 };
      if (refusal) return void socket.end(answerOf(refusal));
      const server = fault.fault === 'mute' ? mute : polite;
      server.handleUpgrade(request, socket, head, (opened) => serve(opened, fault));
    },
  };
};

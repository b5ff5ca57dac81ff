/** A Hono app on a socket, and its end: no new connection, answers in the making go out, idle connections close. */
import { getRequestListener } from '@hono/node-server';
import type { Env, Hono } from 'hono';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { WebSocketServer } from 'ws';
import { StartFault } from '../lifetime.ts';
import type { Door } from './door.ts';
import { upgradeThrough } from './upgrade.ts';

export type ListenOptions = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** One that does not listen by itself (`noServer`). */
  readonly webSockets?: WebSocketServer;
  /** How long answers in the making may take after the end was asked for. */
  readonly drainMs: number;
  /** Asked before the app is. */
  readonly door?: Door;
};

export type Listening = AsyncDisposable & { readonly port: number; readonly url: string };

/** Longer than the idle time of a load balancer, which must be the one to close. */
const keepAliveTimeout = 75_000;
const idleLookMs = 20;

const isInUse = (fault: unknown): boolean => fault instanceof Error && 'code' in fault && fault.code === 'EADDRINUSE';

const open = async (server: Server, { host, port }: ListenOptions): Promise<number> => {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    if (isInUse(cause)) throw new StartFault(`port ${port} on ${host} is in use by another program`, { cause });
    throw new StartFault(`cannot listen on ${host}:${port}`, { cause });
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a server without a port');
  return address.port;
};

const behind =
  (door: Door, app: ReturnType<typeof getRequestListener>): RequestListener =>
  (incoming, outgoing) => {
    const refused = door(incoming);
    if (refused) outgoing.writeHead(refused.status, refused.headers).end(refused.body);
    else void app(incoming, outgoing);
  };

export const listen = async <E extends Env>(app: Hono<E>, options: ListenOptions): Promise<Listening> => {
  const { host, webSockets, drainMs, door = () => undefined } = options;
  const server = createServer(
    { keepAliveTimeout, requestTimeout: 60_000 },
    behind(door, getRequestListener(app.fetch)),
  );
  if (webSockets) {
    const upgrade = upgradeThrough(app, webSockets);
    server.on('upgrade', (incoming, socket, head) => void upgrade(incoming, socket, head));
  }
  const port = await open(server, options);
  return {
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    [Symbol.asyncDispose]: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      using held = new DisposableStack();
      // A connection whose answer goes out now would be kept for the next request until its time is over.
      held.use(setInterval(() => server.closeIdleConnections(), idleLookMs));
      held.use(setTimeout(() => server.closeAllConnections(), drainMs));
      await closed;
    },
  };
};

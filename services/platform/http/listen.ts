/** A Hono app on a socket, and its end: no new connection, answers in the making go out, idle connections close. */
import { createAdaptorServer } from '@hono/node-server';
import type { Env, Hono } from 'hono';
import { once } from 'node:events';
import { Server } from 'node:http';
import type { WebSocketServer } from 'ws';
import { StartFault } from '../lifetime.ts';
import { upgradeThrough } from './upgrade.ts';

export type ListenOptions = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** One that does not listen by itself (`noServer`). */
  readonly webSockets?: WebSocketServer;
  /** How long answers in the making may take after the end was asked for. */
  readonly drainMs: number;
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

export const listen = async <E extends Env>(app: Hono<E>, options: ListenOptions): Promise<Listening> => {
  const { host, webSockets, drainMs } = options;
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { keepAliveTimeout, requestTimeout: 60_000 },
  });
  if (!(server instanceof Server)) throw new Error('the adaptor made a server of another protocol');
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

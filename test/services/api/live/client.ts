/** A client of the live channel over a real socket, and an API that listens for it. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { listen } from '#platform/http/listen.ts';
import { startApi } from '../world.ts';
import type { ApiOptions, Person, World } from '../world.ts';

export const Message = z.object({
  type: z.enum(['event', 'live', 'error', 'pong']),
  stream: z.string().optional(),
  subscription: z.string().optional(),
  version: z.int().optional(),
  event: z.looseObject({ type: z.string(), version: z.int() }).optional(),
  cursor: z.string().optional(),
  code: z.string().optional(),
  resume: z.object({ stream: z.string(), after: z.union([z.int(), z.string()]) }).optional(),
});
export type Message = z.infer<typeof Message>;

export type Client = {
  readonly socket: WebSocket;
  readonly say: (message: unknown) => void;
  /** The next message; rejects when the channel closes first. */
  readonly hear: () => Promise<Message>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly leave: () => Promise<void>;
};

export const openClient = async (address: string, headers: Record<string, string> = {}): Promise<Client> => {
  const socket = new WebSocket(address, { headers, perMessageDeflate: false });
  const heard: Message[] = [];
  let wake = (): void => undefined;
  const { promise: closed, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
  let over = false;
  socket.on('message', (data: Buffer) => {
    heard.push(Message.parse(JSON.parse(data.toString())));
    wake();
  });
  socket.on('close', (code, reason) => {
    over = true;
    resolve({ code, reason: reason.toString() });
    wake();
  });
  await once(socket, 'open');
  return {
    socket,
    closed,
    say: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    hear: async () => {
      for (;;) {
        const message = heard.shift();
        if (message) return message;
        if (over) throw new Error('the channel is closed');
        await new Promise<void>((awake) => (wake = awake));
      }
    },
    leave: async () => {
      socket.terminate();
      await closed;
    },
  };
};

/** The status of a handshake that is refused. */
export const refusedStatus = async (address: string, headers: Record<string, string> = {}): Promise<number> => {
  const socket = new WebSocket(address, { headers });
  socket.on('error', () => undefined);
  const { promise, resolve } = Promise.withResolvers<number>();
  socket.once('open', () => resolve(101));
  socket.once('unexpected-response', (_, answer) => resolve(answer.statusCode ?? 0));
  const status = await promise;
  socket.terminate();
  return status;
};

/** An instance with a port. */
export const serveApi = async (world: World, options: ApiOptions = {}) => {
  await using opened = new AsyncDisposableStack();
  const api = opened.use(await startApi(world, options));
  const server = opened.use(
    await listen(api.app, { host: '127.0.0.1', port: 0, drainMs: 100, webSockets: api.webSockets }),
  );
  const held = opened.move();
  const live = `${server.url.replace('http', 'ws')}/api/live`;
  return {
    ...api,
    url: server.url,
    live,
    bearer: (as: Person) => ({ authorization: `Bearer ${world.keyOf(as)}` }),
    connect: (as: Person) => openClient(live, { authorization: `Bearer ${world.keyOf(as)}` }),
    [Symbol.asyncDispose]: async () => {
      api.stop.abort();
      await held.disposeAsync();
    },
  };
};
export type ServedApi = Awaited<ReturnType<typeof serveApi>>;

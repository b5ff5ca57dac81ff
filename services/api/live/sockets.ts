/** All live channels of this instance: opened, asked for a sign of life, and closed at the end. */
import type { WebSocket } from 'ws';
import type { Principal } from '#platform/http/principal.ts';
import { closeCodes } from './protocol.ts';
import { LiveSocket } from './socket.ts';
import type { SocketParts } from './socket.ts';

export type SocketsParts = SocketParts & { readonly socketsMax: number; readonly pingMs: number };

export type LiveSockets = AsyncDisposable & {
  /** True also once it is closing. */
  readonly isFull: () => boolean;
  readonly open: (socket: WebSocket, principal: Principal) => void;
};

const restarts = 'the server restarts';

export const createLiveSockets = (parts: SocketsParts): LiveSockets => {
  const open = new Map<LiveSocket, Promise<void>>();
  let closing = false;
  const beat = setInterval(() => open.keys().forEach((channel) => channel.ping()), parts.pingMs);
  return {
    isFull: () => closing || open.size >= parts.socketsMax,
    open: (socket, principal) => {
      const channel = new LiveSocket(socket, principal, parts);
      const { promise, resolve } = Promise.withResolvers<undefined>();
      socket.once('close', () => {
        open.delete(channel);
        resolve(undefined);
      });
      open.set(channel, promise);
      // A handshake that was let in before the end began.
      if (closing) channel.close(closeCodes.restart, restarts);
    },
    [Symbol.asyncDispose]: async () => {
      closing = true;
      clearInterval(beat);
      const ends = [...open.values()];
      open.keys().forEach((channel) => channel.close(closeCodes.restart, restarts));
      await Promise.all(ends);
    },
  };
};

/** A WebSocket handshake is a request to the app like any other: it passes the same checks, and only a route that wants a socket gets one. */
import type { Env, Hono } from 'hono';
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';

/** What a route finds in `c.env` when the request is a handshake: to call it is to say yes. */
export type UpgradeBindings = { accept?: (onOpen: (socket: WebSocket) => void) => void };

const requestOf = ({ url = '/', headers }: IncomingMessage): Request => {
  const told = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  return new Request(new URL(url, `http://${headers.host ?? 'localhost'}`), { headers: told });
};

const refuse = async (socket: Duplex, response: Response): Promise<void> => {
  const body = await response.text();
  const headers = [...response.headers, ['content-length', String(Buffer.byteLength(body))], ['connection', 'close']];
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.end(`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}\r\n${lines}\r\n${body}`);
};

export const upgradeThrough =
  <E extends Env>(app: Hono<E>, sockets: WebSocketServer) =>
  async (incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    // A client that goes away in the middle of the handshake is nobody's problem.
    const drop = (): Duplex => socket.destroy();
    socket.on('error', drop);
    const accepted: ((socket: WebSocket) => void)[] = [];
    const bindings: UpgradeBindings = { accept: (onOpen) => void accepted.push(onOpen) };
    const answer = async () => app.fetch(requestOf(incoming), bindings);
    const response = await answer().catch(() => new Response(null, { status: 400 }));
    const [onOpen] = accepted;
    if (socket.destroyed) return;
    if (onOpen) {
      sockets.handleUpgrade(incoming, socket, head, onOpen);
      // From here on the WebSocket hears of errors; this listener would keep the whole request for as long as it is open.
      socket.off('error', drop);
    } else await refuse(socket, response);
  };

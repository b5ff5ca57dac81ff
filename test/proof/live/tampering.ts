/** Stands between a client and an instance and does what the live channel must never do: the check has to see it. */
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';

/** Gets every message of the server with its number, and says which messages the client gets instead. */
export type Tamper = (message: string, number: number) => readonly string[];

export type Tampering = AsyncDisposable & { readonly url: string };

export const tamperWith = async (upstream: string, tamper: Tamper): Promise<Tampering> => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  server.on('connection', (client, { headers: { authorization = '' }, url }) => {
    const up = new WebSocket(`${upstream.replace('http', 'ws')}${url ?? ''}`, { headers: { authorization } });
    const waiting: string[] = [];
    let number = 0;
    client.on('message', (data: Buffer) => {
      if (up.readyState === WebSocket.OPEN) up.send(data.toString());
      else waiting.push(data.toString());
    });
    up.on('open', () => waiting.forEach((message) => up.send(message)));
    up.on('message', (data: Buffer) => tamper(data.toString(), (number += 1)).forEach((each) => client.send(each)));
    up.on('error', () => client.terminate());
    up.on('close', () => client.close());
    client.on('close', () => up.terminate());
  });
  const { port } = z.object({ port: z.int() }).parse(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.clients.forEach((client) => client.terminate());
      server.close();
      await once(server, 'close');
    },
  };
};

/** Clients that ask for a stream and then do not read: their TCP window fills, and what comes waits in the server. */
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import { digestOf } from './record.ts';
import type { Heard } from './record.ts';

const Said = jsonText(
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('event'), stream: z.string(), version: z.int(), event: z.unknown() }),
    z.object({ type: z.literal('live') }),
    z.object({
      type: z.literal('error'),
      code: z.string(),
      resume: z.object({ stream: z.string(), after: z.int() }).optional(),
    }),
  ]),
);
type Said = z.infer<typeof Said>;

export type Deaf = {
  readonly localPort: number;
  /** Reads everything that is there, to the end of the connection. */
  readonly listenAgain: () => Promise<{
    readonly heard: Heard[];
    readonly last: Said | undefined;
    readonly code: number;
  }>;
  readonly leave: () => void;
};

export const openDeaf = async (url: string, key: string, stream: string): Promise<Deaf> => {
  const headers = { authorization: `Bearer ${key}` };
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/live`, { headers, perMessageDeflate: false });
  const raw: Buffer[] = [];
  const { promise: opened, resolve, reject } = Promise.withResolvers<number>();
  const { promise: closed, resolve: close } = Promise.withResolvers<number>();
  // Understood later: between being told and being cut off there is little time.
  socket.on('message', (data: Buffer) => raw.push(data));
  socket.on('error', reject);
  socket.on('close', close);
  socket.on('upgrade', ({ socket: connection }) => {
    socket.once('open', () => {
      socket.send(JSON.stringify({ type: 'subscribe', stream }));
      socket.pause();
      resolve(connection instanceof Socket ? (connection.localPort ?? 0) : 0);
    });
  });
  const localPort = await opened;
  return {
    localPort,
    listenAgain: async () => {
      socket.resume();
      const code = await closed;
      const said = raw.map((data) => Said.parse(data.toString()));
      const heard = said.flatMap((each) =>
        each.type === 'event' ? [{ stream: each.stream, version: each.version, digest: digestOf(each.event) }] : [],
      );
      return { heard, last: said.at(-1), code };
    },
    leave: () => socket.terminate(),
  };
};

/** The ports of clients whose connection a server still holds open, as the kernel knows it: a paused client cannot tell. */
export const heldBy = (serverPort: number): Set<number> => {
  const established = '01';
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  const fields = rows.map((row) => row.trim().split(/\s+/));
  const portOf = (address = ''): number => Number.parseInt(address.slice(address.indexOf(':') + 1), 16);
  return new Set(
    fields
      .filter(([, local, , state]) => portOf(local) === serverPort && state === established)
      .map(([, , remote]) => portOf(remote)),
  );
};

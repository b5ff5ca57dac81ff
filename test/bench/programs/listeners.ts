/** WebSocket clients that only count bytes, so that they cost next to nothing beside the server that is measured. */
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { z } from 'zod';
import { answerJobs } from '../child.ts';

const Open = z.object({
  url: z.url(),
  headers: z.record(z.string(), z.string()),
  subscribe: z.string(),
  sockets: z.int(),
});
type Open = z.infer<typeof Open>;

let open: Socket[] = [];
let bytes = 0;
let look = (): void => undefined;

/** A client must mask what it says; nought is a mask like any other (RFC 6455, section 5.3). */
const frameOf = (text: string): Buffer => {
  const payload = Buffer.from(text);
  if (payload.length > 125) throw new Error('a subscription is shorter');
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
};

const connect = ({ url, headers, subscribe }: Open): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const upgrade = {
      ...{ connection: 'Upgrade', upgrade: 'websocket' },
      ...{ 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
    };
    const asked = request(url.replace('ws:', 'http:'), { headers: { ...headers, ...upgrade } });
    asked.once('error', reject);
    asked.once('response', ({ statusCode }) => reject(new Error(`the handshake was answered ${statusCode ?? 0}`)));
    asked.once('upgrade', (_answer, upgraded: Socket, head: Buffer) => {
      const hear = (chunk: Buffer): void => {
        bytes += chunk.length;
        look();
      };
      hear(head);
      upgraded.on('data', hear);
      if (subscribe !== '') upgraded.write(frameOf(subscribe));
      resolve(upgraded);
    });
    asked.end();
  });

/** So many handshakes at once are fewer than a server's backlog. */
const together = 50;

answerJobs({
  open: async (input) => {
    const job = Open.parse(input);
    while (open.length < job.sockets) {
      const wanted = Math.min(together, job.sockets - open.length);
      open.push(...(await Promise.all(Array.from({ length: wanted }, () => connect(job)))));
    }
  },
  /** Answers when so many more bytes have come, over all sockets. */
  expect: async (input) => {
    const wanted = z.int().parse(input);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    look = () => {
      if (bytes >= wanted) resolve(undefined);
    };
    look();
    await promise;
    bytes -= wanted;
  },
  close: async () => {
    for (const socket of open) socket.destroy();
    open = [];
    bytes = 0;
  },
});

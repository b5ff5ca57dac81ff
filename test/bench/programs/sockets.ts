/** Clients of the live channel that follow one stream and note when they hear what. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { answerJobs } from '../child.ts';
import { machineMs } from '../clock.ts';

const Open = z.object({ url: z.url(), key: z.string(), sockets: z.int() });
const Follow = z.object({ stream: z.string(), after: z.int().default(0) });

type Reader = { readonly socket: WebSocket; follows: boolean; live: boolean; heard: number[] };

let readers: Reader[] = [];
/** Asked with every message. */
let look = (): void => undefined;
const until = (holds: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    look = () => {
      if (holds()) resolve();
    };
    look();
  });

const isLive = Buffer.from('{"type":"live"');

const open = async (url: string, key: string): Promise<Reader> => {
  const address = `${url.replace('http', 'ws')}/api/live`;
  const socket = new WebSocket(address, { headers: { authorization: `Bearer ${key}` }, perMessageDeflate: false });
  const reader: Reader = { socket, follows: false, live: false, heard: [] };
  socket.on('message', (data: Buffer) => {
    if (data.subarray(0, isLive.length).equals(isLive)) reader.live = true;
    else reader.heard.push(machineMs());
    look();
  });
  await once(socket, 'open');
  return reader;
};

/** So many handshakes at once are more than a server's backlog. */
const together = 50;

answerJobs({
  /** Opens channels until there are so many; nothing is followed on the new ones yet. */
  open: async (input) => {
    const { url, key, sockets } = Open.parse(input);
    while (readers.length < sockets) {
      const wanted = Math.min(together, sockets - readers.length);
      readers.push(...(await Promise.all(Array.from({ length: wanted }, () => open(url, key)))));
    }
  },
  /** Follows the stream on every channel that follows none, and answers when all have caught up: how long that took. */
  follow: async (input) => {
    const { stream, after } = Follow.parse(input);
    const startedAt = performance.now();
    for (const reader of readers.filter(({ follows }) => !follows)) {
      reader.follows = true;
      reader.socket.send(JSON.stringify({ type: 'subscribe', stream, after }));
    }
    await until(() => readers.every(({ live }) => live));
    const tookMs = performance.now() - startedAt;
    const heard = readers.map((reader) => reader.heard.length);
    for (const reader of readers) reader.heard = [];
    return { tookMs, heard };
  },
  /** Answers when everybody has heard so many events, with the time of each: by reader, then by event. */
  hear: async (input) => {
    const events = z.int().parse(input);
    await until(() => readers.every(({ heard }) => heard.length >= events));
    return readers.map(({ heard }) => heard);
  },
  close: async () => {
    const closed = readers.map(({ socket }) => once(socket, 'close'));
    for (const { socket } of readers) socket.terminate();
    await Promise.all(closed);
    readers = [];
  },
});

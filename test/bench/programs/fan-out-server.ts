/** Sends the facts of one task to whoever follows it: through the API on a store in memory, or with `ws` and nothing around it. */
import { WebSocketServer } from 'ws';
import { z } from 'zod';
import { createWorld } from '#test/services/api/world.ts';
import { serveApi } from '#test/services/api/live/client.ts';
import { frameOf } from '../../../services/api/live/frame.ts';
import { answerJobs } from '../child.ts';
import { reportingTask } from '../recorded.ts';
import type { AppendArguments } from '../recorded.ts';

let left: AppendArguments[] = [];
let send: (append: AppendArguments) => Promise<unknown> = () => Promise.reject(new Error('nobody is served'));

const framesOf = ([, , facts]: AppendArguments): Buffer[] => facts.map((fact) => frameOf(fact).bytes);

/** What a message costs on the wire: longer ones have their length in two more bytes (RFC 6455, section 5.2). */
const wireBytes = (payload: number): number => payload + (payload > 125 ? 4 : 2);

/** The subscription that a reader sends, and how many bytes answer it before the first fact. */
const ours = async (reports: number) => {
  const world = await createWorld();
  const api = await serveApi(world, { env: { RATE_PER_SECOND: '1000000000' } });
  left = await reportingTask(reports, Date.now());
  for (const append of left.splice(0, 2)) await world.store.append(...append);
  await api.settled();
  const [stream] = left[0] ?? [];
  send = (append) => world.store.append(...append);
  const subscribe = JSON.stringify({ type: 'subscribe', stream, after: 2 });
  const answer = wireBytes(JSON.stringify({ type: 'live', stream }).length);
  return { url: api.live, headers: api.bearer('olga'), subscribe, answer };
};

const bare = async (reports: number) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  left = (await reportingTask(reports, Date.now())).slice(2);
  send = async (append) => {
    for (const frame of framesOf(append)) for (const socket of server.clients) socket.send(frame, { binary: false });
  };
  const { port } = z.object({ port: z.int() }).parse(server.address());
  return { url: `ws://127.0.0.1:${port}`, headers: {}, subscribe: '', answer: 0 };
};

answerJobs({
  ours: (input) => ours(z.int().parse(input)),
  bare: (input) => bare(z.int().parse(input)),
  /** The bytes that the next so many messages are for each reader. */
  size: async (input) => {
    const next = left.slice(0, z.int().parse(input)).flatMap(framesOf);
    return next.reduce((sum, frame) => sum + wireBytes(frame.length), 0);
  },
  burst: async (input) => {
    for (const append of left.splice(0, z.int().parse(input))) await send(append);
  },
});

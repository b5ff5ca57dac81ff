/** An API that refuses as none may, in the way that `RUDE` names; for the judge that must notice. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';

const rude = z.enum(['polite', 'no-retry-after', 'no-problem', 'fails', 'slow', 'silent']).parse(process.env['RUDE']);
const problem = JSON.stringify({ type: 'https://kiro-dispatch.dev/problems/overloaded', title: 'x', status: 503 });
const status = rude === 'fails' ? 500 : 503;
const headers = {
  'content-type': rude === 'no-problem' ? 'text/plain' : 'application/problem+json',
  'content-length': problem.length,
  ...(rude === 'no-retry-after' ? {} : { 'retry-after': '1' }),
};

const server = createServer((incoming, response) => {
  incoming.resume();
  if (rude === 'silent') incoming.socket.destroy();
  else void pause(rude === 'slow' ? 150 : 0).then(() => response.writeHead(status, headers).end(problem));
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = z.object({ port: z.int() }).parse(server.address());
process.stdout.write(`${JSON.stringify({ event: 'api.started', address: `http://127.0.0.1:${port}` })}\n`);

/** A service that stops as none may, in the way that `BEHAVE` names; for the checks that must notice. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';

const behave = z.enum(['deaf', 'fails', 'litters', 'goes-on', 'hangs-up', 'well']).parse(process.env['BEHAVE']);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const server = createServer((_, response) => {
  response.writeHead(200).write('the answer begins');
  if (behave === 'well') process.once('SIGTERM', () => response.end());
  say({ event: 'answer.begun' });
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = z.object({ port: z.int() }).parse(server.address());
if (behave === 'litters') spawn('sleep', ['30'], { detached: true, stdio: 'ignore' }).unref();

process.on('SIGTERM', () => void stop());
const stop = async (): Promise<void> => {
  if (behave === 'deaf') return;
  if (behave === 'goes-on') await pause(2_500);
  if (behave === 'well') {
    server.close();
    await once(server, 'close');
  }
  process.exit(behave === 'fails' ? 1 : 0);
};
say({ event: 'api.started', address: `http://127.0.0.1:${port}` });

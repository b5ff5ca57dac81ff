/** Ports of this machine: free ones to give to servers, and whether one can be had or already answers. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { z } from 'zod';
import { pause } from '#platform/backoff.ts';

const Bound = z.object({ port: z.int() });

/** As many different ones as asked for; chosen before their servers start, so that everybody can be told at once. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  await using servers = new AsyncDisposableStack();
  const ports: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const server = servers.use(createServer().listen(0, '127.0.0.1'));
    await once(server, 'listening');
    ports.push(Bound.parse(server.address()).port);
  }
  return ports;
};

/** False when another program has it, or when we may not have it. */
export const isFree = async (port: number): Promise<boolean> => {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
};

const answers = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

/** Resolves as soon as something listens there; false when `signal` aborts first. */
export const untilAnswers = async (port: number, signal: AbortSignal): Promise<boolean> => {
  while (!signal.aborted) {
    if (await answers(port)) return true;
    await pause(10, signal);
  }
  return false;
};

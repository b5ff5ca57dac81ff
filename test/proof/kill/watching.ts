/** A subscriber that never gives up: it follows one task over one connection after the other, always after the version it has. */
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import type { Watched } from '#test/support/history.ts';

import type { Address } from './client.ts';

const Ticket = z.object({ ticket: z.string() });
const Message = jsonText(z.looseObject({ type: z.string(), event: z.looseObject({ type: z.string() }).optional() }));
const Live = z.looseObject({ version: z.int() });
const outcomes = ['TaskCompleted', 'TaskFailed', 'TaskCancelled'];

type Follow = (address: Address, taskId: string, versions: number[], signal: AbortSignal) => Promise<boolean>;

/** True when the server says that there is nothing to come back for. */
const followEvents: Follow = async ({ url, key }, taskId, versions, signal) => {
  const headers = { authorization: `Bearer ${key}`, 'last-event-id': String(versions.at(-1) ?? 0) };
  const answer = await fetch(`${url}/api/task/${taskId}/live`, { headers, signal });
  if (answer.status === 204) return true;
  if (answer.status !== 200 || !answer.body) throw new Error(`the live feed answered ${answer.status}`);
  let rest = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('id: ')) versions.push(Number(line.slice(4)));
  }
  return false;
};

const followSocket: Follow = async ({ url, key }, taskId, versions, signal) => {
  const headers = { authorization: `Bearer ${key}` };
  const asked = await fetch(`${url}/api/live/ticket`, { method: 'POST', headers, signal });
  const { ticket } = Ticket.parse(await asked.json());
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/live?ticket=${ticket}`);
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const subscribe = { type: 'subscribe', stream: `task/${taskId}`, after: versions.at(-1) ?? 0 };
  socket.on('open', () => socket.send(JSON.stringify(subscribe)));
  socket.on('error', reject);
  socket.on('close', () => resolve(false));
  signal.addEventListener('abort', () => resolve(false), { once: true });
  socket.on('message', (data: Buffer) => {
    const { type, event } = Message.parse(data.toString());
    if (type === 'event') versions.push(Live.parse(event).version);
    if (outcomes.includes(event?.type ?? '')) resolve(true);
  });
  return promise.finally(() => socket.terminate());
};

export type Watching = { readonly watched: () => Watched; readonly over: Promise<void> };

/** `over` resolves when the task has ended, or `signal` aborts. */
export const watch = (address: Address, taskId: string, by: 'events' | 'socket', signal: AbortSignal): Watching => {
  const versions: number[] = [];
  const follow = by === 'events' ? followEvents : followSocket;
  let isOver = false;
  const run = async (): Promise<void> => {
    while (!isOver && !signal.aborted) {
      isOver = await follow(address, taskId, versions, signal).catch(() => false);
      if (!isOver) await pause(100);
    }
  };
  return { watched: () => ({ stream: `task/${taskId}`, versions, over: isOver }), over: run() };
};

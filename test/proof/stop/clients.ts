/** People who use one API instance while it is stopped: some submit, some wait for an answer, some follow a task live. */
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { ask } from './ask.ts';

export type Visit = {
  /** Ids of tasks that were acknowledged. */
  readonly acknowledged: readonly string[];
  readonly answered: number;
  readonly cutOff: readonly string[];
};

export type Visitors = {
  /** Resolves when the instance no longer answers any of them. */
  readonly left: Promise<Visit>;
};

export type VisitOptions = {
  readonly url: string;
  readonly key: string;
  /** A task that does not end meanwhile. */
  readonly endless: string;
  /** The next prompt to submit. */
  readonly prompt: () => string;
  /** Aborts when the instance is told to stop; nobody begins anything new from then on but submissions. */
  readonly stopping: AbortSignal;
};

const Accepted = z.object({ taskId: z.string() });
/** A connection that was made this shortly before the signal may not have been seen by the process. */
const settledMs = 500;
const betweenMs = 700;

export const visit = ({ url, key, endless, prompt, stopping }: VisitOptions): Visitors => {
  const acknowledged: string[] = [];
  const cutOff: string[] = [];
  let answered = 0;
  let stoppedAt = Number.POSITIVE_INFINITY;
  stopping.addEventListener('abort', () => (stoppedAt = performance.now()), { once: true });
  const broke = (what: string, since: number, code: string): void => {
    if (since < stoppedAt - settledMs)
      cutOff.push(`${what} after ${Math.round(performance.now() - since)} ms: ${code}`);
  };

  const submit = async (): Promise<void> => {
    for (;;) {
      const since = performance.now();
      const asked = await ask(`${url}/api/chat`, { key, method: 'POST', body: { message: prompt() } });
      if (asked.ended === 'refused') return;
      if (asked.ended === 'broken') {
        broke('a submission', since, asked.code);
        return;
      }
      answered += 1;
      if (asked.status === 202) acknowledged.push(Accepted.parse(JSON.parse(asked.body)).taskId);
      else if (asked.status !== 503) cutOff.push(`a submission with ${asked.status} ${asked.body}`);
      await pause(betweenMs);
    }
  };

  const wait = async (): Promise<void> => {
    while (!stopping.aborted) {
      const since = performance.now();
      const asked = await ask(`${url}/api/task/${endless}?wait=20`, { key });
      if (asked.ended === 'refused') return;
      if (asked.ended === 'broken') {
        broke('a wait', since, asked.code);
        return;
      }
      answered += 1;
      if (asked.status !== 200) cutOff.push(`a wait with ${asked.status} ${asked.body}`);
    }
  };

  const follow = async (): Promise<void> => {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    let since = Number.POSITIVE_INFINITY;
    const asked = request(`${url}/api/task/${endless}/live`, {
      headers: { authorization: `Bearer ${key}` },
      agent: false,
    });
    asked.on('response', (response) => {
      since = performance.now();
      response.on('error', () => undefined).resume();
      response.on('close', () => {
        if (response.complete) answered += 1;
        else broke('an event stream', since, 'incomplete');
        resolve();
      });
    });
    asked.on('error', () => resolve());
    asked.end();
    await over;
  };

  const listen = async (): Promise<void> => {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    let since = Number.POSITIVE_INFINITY;
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/live`, {
      headers: { authorization: `Bearer ${key}` },
    });
    socket.on('open', () => {
      since = performance.now();
      socket.send(JSON.stringify({ type: 'subscribe', stream: `task/${endless}`, after: 0 }));
    });
    socket.on('error', () => undefined);
    socket.on('close', (code) => {
      if (code === 1012) answered += 1;
      else broke('a socket', since, String(code));
      resolve();
    });
    await over;
  };

  const everybody = [submit(), submit(), wait(), wait(), follow(), listen()];
  return { left: Promise.all(everybody).then(() => ({ acknowledged, answered, cutOff })) };
};

/** Tells one service process to stop and looks closely until it is gone. */
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import { isAlive } from '#test/support/processes.ts';
import { descendantsOf } from '#test/support/system.ts';
import type { ServiceName, ServiceProcess } from '#test/support/service-process.ts';
import type { Stop } from './judge.ts';

const Line = jsonText(z.object({ time: z.coerce.date(), event: z.string() }));
/** From then on nothing new is taken on. */
const intakeMs = 1_000;

const listens = async (port: number): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1');
  socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
};

/** Tasks that the process claimed after `since`, as its own log has it. */
const claimedAfter = (output: string, since: number): number =>
  output
    .split('\n')
    .flatMap((line) => Line.safeParse(line).data ?? [])
    .filter(({ time, event }) => event === 'task.started' && time.getTime() > since).length;

export type StopOptions = {
  readonly role: ServiceName;
  readonly service: ServiceProcess;
  readonly limitMs: number;
  /** Where it listens, if it does. */
  readonly port?: number | undefined;
};

export const stopService = async ({ role, service, limitMs, port }: StopOptions): Promise<Omit<Stop, 'cutOff'>> => {
  const hadBegun = service.output() !== '';
  const below = new Set(descendantsOf(service.pid));
  const [startedAt, signalledAt] = [performance.now(), Date.now()];
  service.signal('SIGTERM');
  const ended = service.exited.then((exit) => ({ exit, tookMs: performance.now() - startedAt }));
  const over = new AbortController();
  void ended.then(() => over.abort());
  let connections = 0;
  while (!over.signal.aborted && performance.now() - startedAt < limitMs) {
    for (const pid of descendantsOf(service.pid)) below.add(pid);
    const isLate = performance.now() - startedAt > intakeMs;
    if (isLate && port !== undefined && (await listens(port))) connections += 1;
    await pause(50, undefined, { signal: over.signal }).catch(() => undefined);
  }
  if (!over.signal.aborted) service.signal('SIGKILL');
  const { exit, tookMs } = await ended;
  const takenLate = connections + claimedAfter(service.output(), signalledAt + intakeMs);
  return { role, exit, tookMs, limitMs, hadBegun, takenLate, survivors: [...below].filter(isAlive).length };
};

/** Memory that an open channel costs the API, and an idle session the worker; garbage collected before every look. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { byEffort } from '#test/proof/effort.ts';
import { startAws } from '#test/support/aws.ts';
import { client, quickDemoAgent, startSystem, temporaryDir } from '#test/support/system.ts';
import type { System } from '#test/support/system.ts';
import { memoryKbOf } from '#test/support/processes.ts';
import { startApiProcess } from './api.ts';
import { startChild } from './child.ts';
import { amount } from './figure.ts';
import { Followed } from './live.ts';
import { progress, rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { message } from './recorded.ts';
import { median } from './rounds.ts';

const sockets = byEffort({ ci: 100, full: 2_000 });
const sessions = byEffort({ ci: 2, full: 8 });
/** Until the heap has grown to what handshakes need. */
const warmUp = byEffort({ ci: 100, full: 500 });
const warmUpTurns = 10;
const collecting = ['--import', fileURLToPath(new URL('programs/collect.ts', import.meta.url))];

/** Nothing tells that memory has settled: it is looked at until two looks agree. */
const settledKbOf = async (pid: number): Promise<number> => {
  for (let last = Number.POSITIVE_INFINITY; ;) {
    process.kill(pid, 'SIGUSR2');
    await pause(500);
    const now = memoryKbOf(pid);
    if (Math.abs(now - last) < 256) return now;
    last = now;
  }
};

const perSocket = async (): Promise<number> => {
  await using opened = new AsyncDisposableStack();
  const api = opened.use(await startApiProcess(opened.use(await startAws()), { execArgv: collecting }));
  const readers = opened.use(startChild('sockets'));
  const stream = `task/${await client(api.url, api.key).submit(message)}`;
  const open = async (count: number): Promise<void> => {
    await readers.ask('open', { ...api, sockets: count }, z.undefined());
    await readers.ask('follow', { stream }, Followed);
  };
  // What the first channels bring into memory is there for all. They stay open: memory that was freed would be taken again unseen.
  await open(warmUp);
  const before = await settledKbOf(api.pid);
  await open(warmUp + sockets);
  return ((await settledKbOf(api.pid)) - before) / sockets;
};

/** The processes of a system that run this file, by what their command line says. */
const running = (system: System, file: string): number[] =>
  system.processes().filter((pid) => {
    const [program, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return program === process.execPath && args.some((arg) => arg.endsWith(file));
  });

const perSession = async (): Promise<{ workerKb: number; agentMb: number }> => {
  await using data = await temporaryDir();
  await using system = await startSystem(data.path, {
    ...{ AGENT_COMMAND: quickDemoAgent, SESSION_SPARES: '0', SESSIONS_MAX: String(sessions + 1) },
    NODE_OPTIONS: collecting.join(' '),
  });
  const run = async (more = {}) => system.outcome(await system.submit(message, more));
  const { sessionId } = await run();
  for (let turn = 0; turn < warmUpTurns; turn += 1) await run({ sessionId });
  const [worker = 0] = running(system, 'services/worker/main.ts');
  const before = await settledKbOf(worker);
  for (let session = 0; session < sessions; session += 1) await run();
  const workerKb = ((await settledKbOf(worker)) - before) / sessions;
  const agents = running(system, 'demo-agent/main.ts');
  if (agents.length !== sessions + 1) throw new Error(`${agents.length} agents are running`);
  return { workerKb, agentMb: median(agents.map((pid) => memoryKbOf(pid))) / 1024 };
};

export const memory: Measurement = async () => {
  const sockets: number[] = [];
  const held: Awaited<ReturnType<typeof perSession>>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    progress(`memory, round ${round + 1} of ${rounds}`);
    sockets.push(await perSocket());
    held.push(await perSession());
  }
  return [
    amount({
      what: 'memory of the API per socket that follows a task',
      unit: 'KB',
      ours: sockets,
      target: { atMost: 20 },
    }),
    amount({ what: 'memory of the worker per idle session', unit: 'KB', ours: held.map(({ workerKb }) => workerKb) }),
    amount({
      what: 'memory of the agent of an idle session (demo agent)',
      unit: 'MB',
      ours: held.map(({ agentMb }) => agentMb),
    }),
  ];
};

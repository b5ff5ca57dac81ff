/**
 * A worker behind a wall: a PID namespace that nothing it starts can leave, whatever it does to its group, its parent or its
 * environment. All that lives behind the wall is seen from outside, and so is the worker's memory. Where the host allows no
 * namespaces, processes are recognised by the data directory in their environment.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { hostIsolation } from '#platform/agent/isolation.ts';
import { eventually } from '#test/support/eventually.ts';
import { descendantsOf, temporaryDir } from '#test/support/system.ts';
import { workerNodeArgs } from '../../../services/local/services.ts';
import { Answer, answers } from './orders.ts';
import type { AnswerTo, Order } from './orders.ts';

const program = join(import.meta.dirname, 'worker-program.ts');
const demoAgent = join(import.meta.dirname, '../../../services/local/demo-agent/main.ts');
export const demoCommand = `${process.execPath} ${demoAgent} --pace-ms=0 --allow-behave`;

export const isWalled = (await hostIsolation()) === 'namespace';

/** Stays when the worker ends, so that whatever outlives it is seen. What the shell has to say of a killed child is nobody's business. */
const firstProcess =
  'exec 9>&2 2>/dev/null; "$@" 2>&9 9>&-; echo "{\\"event\\":\\"ended\\",\\"code\\":$?}"; exec sleep infinity';

/** It falls with whoever put it up. */
const wall = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--user', '--map-current-user', '--pid', '--fork', '--kill-child', '--mount-proc'],
  ...['sh', '-c', firstProcess, 'sh'],
];

export const LogLine = z.looseObject({ event: z.string() });
export type LogLine = z.infer<typeof LogLine>;

export type Process = {
  readonly pid: number;
  readonly command: string;
  /** It has a handler of its own for SIGHUP, as few programs have. */
  readonly catchesHangup: boolean;
};

type Details<Name> = Omit<Extract<Order, { do: Name }>, 'do'>;
type Ask = <Name extends Order['do']>(name: Name, more?: Details<Name>) => Promise<AnswerTo[Name]>;

export type WalledWorker = AsyncDisposable & {
  readonly dataDir: string;
  readonly ask: Ask;
  /** What it printed, line by line; a line that is no JSON is an event called `unreadable`. */
  readonly log: () => readonly LogLine[];
  /** Every living process behind the wall but the worker itself. */
  readonly others: () => readonly Process[];
  /** The most memory it had resident since this was asked last, in MiB. */
  readonly takePeakMiB: () => number;
  readonly residentMiB: () => number;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Resolves with the exit code when the worker has ended. */
  readonly ended: () => Promise<number>;
};

/** `preload` is loaded before the worker: the way a planted bug comes in. */
export const startWorker = async (env: Record<string, string> = {}, preload?: string): Promise<WalledWorker> => {
  const dataDir = await temporaryDir();
  const node = [process.execPath, ...workerNodeArgs, ...(preload === undefined ? [] : ['--import', preload]), program];
  const [command = '', ...args] = isWalled ? [...wall, ...node] : ['sh', '-c', firstProcess, 'sh', ...node];
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, ...environment(dataDir.path), ...env },
  });
  assert.ok(child.stdout);
  const end = new AbortController();
  const lines = readLog(child.stdout, () => end.abort());
  const told = (event: string) => eventually(() => lines.find((line) => line.event === event), `no ${event}`, 30_000);
  await told('worker.started');
  const first = isWalled ? (descendantsOf(child.pid ?? 0)[0] ?? 0) : (child.pid ?? 0);
  const worker = descendantsOf(first)[0] ?? 0;
  const proc = isWalled ? `/proc/${first}/root/proc` : '/proc';
  const own = isWalled ? [1, 2] : [first, worker];
  const status = (name: string) => statusOf(`/proc/${worker}`, name);
  return {
    dataDir: dataDir.path,
    ask: asking(child, end.signal),
    log: () => lines,
    others: () => living(proc, dataDir.path).filter(({ pid }) => !own.includes(pid)),
    residentMiB: () => status('VmRSS'),
    takePeakMiB() {
      const peak = status('VmHWM');
      writeFileSync(`/proc/${worker}/clear_refs`, '5');
      return peak;
    },
    signal: (signal) => void process.kill(worker, signal),
    ended: async () => z.int().parse((await told('ended'))['code']),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        for (const pid of [...descendantsOf(child.pid ?? 0), child.pid ?? 0]) killQuietly(pid);
        await gone;
      }
      await dataDir[Symbol.asyncDispose]();
    },
  };
};

/** Every order has a number, by which its answer is known. The channel itself outlives the worker: the wall holds it too. */
const asking = (child: ChildProcess, end: AbortSignal): Ask => {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let asked = 0;
  child.on('message', (message) => {
    const { id, value, fault } = Answer.parse(message);
    if (fault === undefined) waiting.get(id)?.resolve(value);
    else waiting.get(id)?.reject(new Error(fault));
    waiting.delete(id);
  });
  end.addEventListener('abort', () => waiting.forEach(({ reject }) => reject(new Error('the worker is gone'))));
  return async <Name extends Order['do']>(name: Name, more?: Details<Name>) => {
    if (end.aborted) throw new Error('the worker is gone');
    const reply = Promise.withResolvers<unknown>();
    const id = (asked += 1);
    waiting.set(id, reply);
    child.send({ id, order: { do: name, ...more } });
    return answers[name].parse(await reply.promise);
  };
};

const environment = (dataDir: string) => ({
  ...{ DATA_DIR: dataDir, HOME: dataDir, AGENT_COMMAND: demoCommand, SESSION_SPARES: '0' },
  ...{ AGENT_START_LIMIT_MS: '10000', SHUTDOWN_GRACE_MS: '0', WORK_DIRECTORY_KEEP_MS: '1', NODE_OPTIONS: '' },
});

const killQuietly = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
};

const readLog = (stream: Readable, onEnd: () => void): LogLine[] => {
  const lines: LogLine[] = [];
  createInterface({ input: stream }).on('line', (text) => {
    const line = parsed(text);
    lines.push(line);
    if (line.event === 'ended') onEnd();
  });
  return lines;
};

const parsed = (text: string): LogLine => {
  try {
    return LogLine.parse(JSON.parse(text));
  } catch {
    return { event: 'unreadable', text };
  }
};

const statusOf = (entry: string, name: string): number => {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`${entry}/status`, 'utf8'))?.[1];
  assert.ok(kibibytes, `${entry} does not tell ${name}`);
  return Math.round(Number(kibibytes) / 1024);
};

const catchesHangup = (status: string): boolean => {
  const caught = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return ((caught >> BigInt(constants.signals.SIGHUP - 1)) & 1n) === 1n;
};

const living = (proc: string, dataDir: string): Process[] =>
  readdirSync(proc)
    .map(Number)
    .filter(Number.isInteger)
    .flatMap((pid) => {
      const text = (file: string) => readFileSync(`${proc}/${pid}/${file}`, 'latin1');
      try {
        const [state] = text('stat').slice(text('stat').lastIndexOf(')') + 2);
        if (state === 'Z' || state === 'X') return [];
        if (!isWalled && !text('environ').includes(dataDir)) return [];
        const command = text('cmdline').replaceAll('\0', ' ').slice(0, 200).trim();
        return [{ pid, command, catchesHangup: catchesHangup(text('status')) }];
      } catch {
        return [];
      }
    });

/** One service as a process of its own on an embedded AWS, as `services/local` or ECS would run it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import { eventually } from './eventually.ts';

const Line = jsonText(z.record(z.string(), z.unknown()));

export type ServiceName = 'api' | 'worker' | 'projector';

export type ServiceProcess = AsyncDisposable & {
  readonly pid: number;
  /** The exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  /** Resolves with the fields of the log line that says that it has started; rejects when it ends before. */
  readonly started: () => Promise<Readonly<Record<string, unknown>>>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** What it said so far: its log, and what it told people. */
  readonly output: () => string;
};

export type ServiceOptions = {
  readonly env: Readonly<Record<string, string>>;
  /** Another program instead of the service's own, for what must be caught. */
  readonly main?: string;
  /** Before the program's name, as `--import`. */
  readonly nodeArgs?: readonly string[];
  readonly startsWithinMs?: number;
};

const mainOf = (name: ServiceName): string => fileURLToPath(new URL(`../../services/${name}/main.ts`, import.meta.url));

/** Ports are free ones unless `env` names others. Disposing kills what still runs. */
export const startService = (name: ServiceName, options: ServiceOptions): ServiceProcess => {
  const { env, main = mainOf(name), nodeArgs = [], startsWithinMs = 60_000 } = options;
  const child = spawn(process.execPath, [...nodeArgs, main], {
    env: { PATH: process.env['PATH'], API_PORT: '0', WORKER_HEALTH_PORT: '0', PROJECTOR_HEALTH_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, 'close').then(([code, signal]: unknown[]) =>
    typeof code === 'number' ? code : String(signal),
  );
  const lineOf = (event: string): Readonly<Record<string, unknown>> | undefined => {
    const line = output.split('\n').find((each) => each.includes(`"event":"${event}"`));
    return line === undefined ? undefined : Line.parse(line);
  };
  return {
    pid: child.pid ?? 0,
    exited,
    started: () =>
      eventually(
        () => {
          if (child.exitCode === null && child.signalCode === null) return lineOf(`${name}.started`);
          throw new Error(`${name} ended before it had started:\n${output}`);
        },
        `${name} did not start`,
        startsWithinMs,
      ),
    signal: (signal) => void child.kill(signal),
    output: () => output,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
};

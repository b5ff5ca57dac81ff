/** Starts the system of `make run` with tiny services, and looks at what they wrote. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import { eventually } from '#test/support/eventually.ts';
import { freePorts } from '../../../services/local/ports.ts';
import { tinyDir } from './programs/tiny.ts';

const main = fileURLToPath(new URL('programs/system.ts', import.meta.url));
const Tiny = jsonText(z.object({ pid: z.int(), env: z.record(z.string(), z.string()) }));
export type Tiny = z.infer<typeof Tiny>;

export type TinySystem = AsyncDisposable & {
  readonly pid: number;
  readonly url: string;
  readonly output: () => string;
  /** Resolves with what was printed when it is ready; rejects when it ends before. */
  readonly ready: () => Promise<string>;
  readonly exited: Promise<number | null>;
  /** Closes both pipes, as a reader that leaves does. */
  readonly stopReading: () => void;
  /** To the whole group, as a terminal does it. */
  readonly signal: (signal: NodeJS.Signals) => void;
  /** A tiny service as it described itself; `not` is a pid that it no longer has. */
  readonly service: (name: string, not?: number) => Promise<Tiny>;
  /** What happened to the tiny services, in order. */
  readonly order: () => string[];
};

const readOr = (path: string, otherwise: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
};

export const startTinySystem = async (dataDir: string, env: NodeJS.ProcessEnv = {}): Promise<TinySystem> => {
  const [port = 0] = await freePorts(1);
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, API_PORT: String(port), DATA_DIR: dataDir, AGENT_COMMAND: 'sh', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Leads a process group, as a command typed in a terminal does.
    detached: true,
  });
  const { pid = 0 } = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  const exited = once(child, 'close').then(() => child.exitCode);
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  return {
    ...{ pid, url: `http://127.0.0.1:${port}`, output: () => output, exited },
    ready: () =>
      eventually(
        () => {
          if (isOver()) throw new Error(`it ended before it was ready:\n${output}`);
          return output.includes('is ready after') ? output : undefined;
        },
        'it was not ready in time',
        30_000,
      ),
    stopReading: () => [child.stdout, child.stderr].forEach((stream) => stream.destroy()),
    signal: (signal) => void process.kill(-pid, signal),
    service: (name, not) =>
      eventually(() => {
        const found = Tiny.safeParse(readOr(join(tinyDir(dataDir), `${name}.json`), '')).data;
        return found?.pid === not ? undefined : found;
      }, `${name} did not start`),
    order: () =>
      readOr(join(tinyDir(dataDir), 'order'), '')
        .trim()
        .split('\n'),
    async [Symbol.asyncDispose]() {
      if (!isOver()) child.kill('SIGTERM');
      await exited;
    },
  };
};

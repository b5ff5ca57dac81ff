/** An API process as ECS would run it, on a port that it keeps when it is started again, seen from outside. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import type { Aws } from '#test/support/aws.ts';
import { eventually } from '#test/support/eventually.ts';
import { memoryKbOf } from '#test/support/processes.ts';
import { freePort } from '#test/support/system.ts';

const main = fileURLToPath(new URL('../../../services/api/main.ts', import.meta.url));
const gauge = fileURLToPath(new URL('gauge.ts', import.meta.url));

const LogLine = jsonText(z.looseObject({ event: z.string(), time: z.iso.datetime() }));
export type LogLine = z.infer<typeof LogLine>;

/** Bytes; `held` is the heap after a collection and what lies outside of it. */
const Measured = z.object({ rss: z.number(), held: z.number(), timers: z.number() });
export type Measured = z.infer<typeof Measured>;

export type Instance = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  readonly pid: () => number;
  /** Everything it logged, over all its lives. */
  readonly logged: (event: string) => readonly LogLine[];
  /** What it said on stderr in this life. */
  readonly errors: () => string;
  readonly kill: () => Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  readonly stop: () => Promise<number | null>;
  /** On the same port; resolves once it is ready. */
  readonly start: () => Promise<void>;
  readonly measure: () => Promise<Measured>;
  readonly descriptors: () => number;
  readonly rss: () => number;
  readonly peakRss: () => number;
};

/** Past this it is not slow but stuck: the suite goes on without its answer. */
const endedWithinMs = 30_000;

export const startInstance = async (
  aws: Aws,
  dataDir: string,
  more: Record<string, string> = {},
): Promise<Instance> => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const lines: LogLine[] = [];
  let errors = '';
  let child: ChildProcess | undefined;
  const pid = (): number => child?.pid ?? 0;

  const start = async (): Promise<void> => {
    const env = { ...aws.env, DATA_DIR: dataDir, API_PORT: String(port), PATH: process.env['PATH'] ?? '', ...more };
    const args = ['--expose-gc', '--import', gauge, main];
    errors = '';
    const started = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    child = started;
    assert.ok(started.stdout && started.stderr);
    createInterface({ input: started.stdout }).on('line', (line) => {
      const parsed = LogLine.safeParse(line);
      if (parsed.success) lines.push(parsed.data);
      else errors += `${line}\n`;
    });
    started.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const isReady = async (): Promise<true | undefined> => {
      assert.equal(started.exitCode ?? started.signalCode, null, `the API ended: ${errors}`);
      return (await fetch(`${url}/ready`).catch(() => undefined))?.ok === true ? true : undefined;
    };
    await eventually(isReady, `the API was not ready: ${errors}`, 30_000);
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (!child) return null;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, 'exit');
    child.kill(signal);
    using _ = setTimeout(() => child?.kill('SIGKILL'), endedWithinMs);
    await exited;
    return child.exitCode;
  };

  await start();
  return {
    ...{ url, port, pid, start },
    logged: (event) => lines.filter((line) => line.event === event),
    errors: () => errors,
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
    measure: async () => {
      assert.ok(child);
      const answered = once(child, 'message', { signal: AbortSignal.timeout(endedWithinMs) });
      child.send('measure');
      return Measured.parse((await answered).at(0));
    },
    descriptors: () => readdirSync(`/proc/${pid()}/fd`).length,
    rss: () => memoryKbOf(pid(), 'VmRSS') * 1024,
    peakRss: () => memoryKbOf(pid(), 'VmHWM') * 1024,
    [Symbol.asyncDispose]: async () => {
      await end('SIGKILL');
    },
  };
};

/** The whole system as `make run` starts it, and a client of its API; for tests of the composed system. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';

const main = fileURLToPath(new URL('../../services/local/main.ts', import.meta.url));
const demoAgent = fileURLToPath(new URL('../../services/local/demo-agent/main.ts', import.meta.url));

/** The demo agent at test speed: it says no word slower than it must, and takes faults from prompts. */
export const quickDemoAgent = `${process.execPath} ${demoAgent} --pace-ms=0 --allow-behave`;

export const freePort = async (): Promise<number> => {
  await using server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return z.object({ port: z.int() }).parse(server.address()).port;
};

export type DataDir = AsyncDisposable & { readonly path: string };

export const temporaryDir = async (): Promise<DataDir> => {
  const path = await mkdtemp(join(tmpdir(), 'kiro-dispatch-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
};

export const TaskView = z.looseObject({
  taskId: z.string(),
  status: z.enum(['pending', 'processing', 'completed', 'failed', 'cancelled']),
  result: z.string().optional(),
  sessionId: z.string().optional(),
  error: z.looseObject({ class: z.string(), message: z.string() }).optional(),
  attempt: z.int(),
  version: z.int(),
  usage: z.looseObject({ credits: z.number() }),
});
export type TaskView = z.infer<typeof TaskView>;

export type System = AsyncDisposable & {
  readonly url: string;
  /** Its data, as we see them: it may have mounted something there. */
  readonly data: string;
  readonly key: string;
  readonly readyAfterMs: number;
  /** What was printed so far. */
  readonly output: () => string;
  readonly submit: (message: string, more?: Record<string, unknown>) => Promise<string>;
  readonly read: (taskId: string) => Promise<TaskView>;
  /** Waits for the outcome. */
  readonly outcome: (taskId: string, limitMs?: number) => Promise<TaskView>;
  readonly get: (path: string) => Promise<Response>;
  readonly post: (path: string, body?: unknown) => Promise<Response>;
  /** The pids of all that it started, and of what that started. */
  readonly processes: () => readonly number[];
  /** SIGKILL for the process that started all others. */
  readonly killFirst: () => Promise<void>;
  /** SIGKILL for the supervisor and all that it started, at once. */
  readonly killAll: () => Promise<void>;
  /** SIGTERM, as Ctrl-C would; resolves with the exit code. */
  readonly stop: () => Promise<number | null>;
};

/** The children of a process, their children, and so on, as the kernel knows them now. */
export const descendantsOf = (root: number): number[] => {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = parentOf(pid);
    if (parent !== undefined) parents.set(pid, parent);
  }
  const found: number[] = [];
  for (let level = [root]; level.length > 0;) {
    level = [...parents].filter(([, parent]) => level.includes(parent)).map(([pid]) => pid);
    found.push(...level);
  }
  return found;
};

const parentOf = (pid: number): number | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
};

/**
 * Starts the system on `dataDir` and waits until it is ready; the key is the admin key of its first start. `under` is a
 * command that prepares something and then becomes the command after it.
 */
export const startSystem = async (
  dataDir: string,
  env: Record<string, string> = {},
  under: readonly string[] = [],
): Promise<System> => {
  const startedAt = performance.now();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const [command, ...words] = [...under, process.execPath, main];
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      API_PORT: String(port),
      DATA_DIR: dataDir,
      AGENT_COMMAND: quickDemoAgent,
      PROJECTOR_HEALTH_PORT: '0',
      WORKER_HEALTH_PORT: '0',
      ...env,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, 'exit');
  const until = performance.now() + 60_000;
  const isReady = () =>
    fetch(`${url}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    assert.equal(child.exitCode, null, `the system ended before it was ready:\n${output}`);
    assert.ok(performance.now() < until, `the system was not ready in time:\n${output}`);
    await pause(25);
  }
  const readyAfterMs = performance.now() - startedAt;
  const pid = child.pid ?? 0;
  const data = under.length > 0 ? `/proc/${pid}/root${dataDir}` : dataDir;
  const key = (await readFile(join(data, 'admin.key'), 'utf8')).trim();
  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await exited;
    }
    return child.exitCode;
  };
  const killAll = async (): Promise<void> => {
    for (const victim of [pid, ...descendantsOf(pid)]) killQuietly(victim);
    await exited;
  };
  return {
    url,
    data,
    key,
    readyAfterMs,
    output: () => output,
    ...client(url, key),
    processes: () => descendantsOf(pid),
    killFirst: async () => {
      killQuietly(pid);
      await exited;
    },
    killAll,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
};

const killQuietly = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
};

/** The routes that most tests use, with a key. */
export const client = (url: string, key: string) => {
  const authorization = `Bearer ${key}`;
  const get = (path: string) => fetch(`${url}${path}`, { headers: { authorization } });
  const post = (path: string, body: unknown = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const read = async (taskId: string) => TaskView.parse(await (await get(`/api/task/${taskId}`)).json());
  return {
    get,
    post,
    read,
    submit: async (message: string, more: Record<string, unknown> = {}): Promise<string> => {
      const answer = await post('/api/chat', { message, ...more });
      const text = await answer.text();
      assert.equal(answer.status, 202, text);
      return z.object({ taskId: z.string() }).parse(JSON.parse(text)).taskId;
    },
    outcome: async (taskId: string, limitMs = 30_000): Promise<TaskView> => {
      const until = performance.now() + limitMs;
      for (;;) {
        const task = await read(taskId);
        if (['completed', 'failed', 'cancelled'].includes(task.status)) return task;
        assert.ok(performance.now() < until, `${taskId} is still ${task.status}`);
        await get(`/api/task/${taskId}?wait=1`);
      }
    },
  };
};

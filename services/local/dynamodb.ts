/** DynamoDB on this machine: the native engine that comes as an npm package, run as a child process that never outlives us. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { pause } from '#platform/backoff.ts';
import { StartFault } from '#platform/lifetime.ts';
import { silent } from '#platform/log.ts';
import type { Log } from '#platform/log.ts';

export type LocalDynamoDbOptions = {
  /** Where everything is kept and found again; without it, it is gone with the process. */
  readonly file?: string;
  /** Without one, any free port. */
  readonly port?: number;
  readonly log?: Log;
};

export type EngineExit = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
};

export type LocalDynamoDb = AsyncDisposable & {
  readonly endpoint: string;
  readonly pid: number;
  /** Resolves when the engine ended, whoever ended it. */
  readonly exited: Promise<EngineExit>;
};

const readyWithinMs = 10_000;
const endsWithinMs = 5_000;
/** The last words of an engine are a line or two; a talkative one must not fill our memory. */
const stderrCharsMax = 8_192;

const binary = (): string => {
  const engine = '@dynoxide/linux-x64';
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${engine}/package.json`)), 'dynoxide');
  } catch (cause) {
    throw new StartFault(
      `The embedded DynamoDB engine (${engine}) is not installed here (${process.platform}-${process.arch}). ` +
        'Set DYNAMODB_ENDPOINT to a DynamoDB to use instead, such as DynamoDB Local.',
      { cause },
    );
  }
};

/** Asked before the engine starts: whoever holds the port already would answer in its place. */
const freePort = async (wanted: number): Promise<number> => {
  const server = createServer().listen(wanted, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new StartFault(`The embedded DynamoDB engine cannot listen on 127.0.0.1:${wanted}.`, { cause });
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a listening socket has no port');
  return address.port;
};

/** The kernel ends the engine with the process that started it, however that ends. Elsewhere than on Linux there is no such order. */
const dyingWithParent = (): readonly string[] =>
  spawnSync('setpriv', ['--version']).status === 0 ? ['setpriv', '--pdeathsig', 'KILL', '--'] : [];

const watch = (child: ChildProcess): Promise<EngineExit> =>
  new Promise((resolve) => {
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-stderrCharsMax);
    });
    child.once('error', (fault) => resolve({ code: null, signal: null, stderr: fault.message }));
    child.once('close', (code, signal) => resolve({ code, signal, stderr: stderr.trim() }));
  });

const isReady = async (client: DynamoDBClient): Promise<boolean> =>
  client.send(new ListTablesCommand({})).then(
    () => true,
    () => false,
  );

const untilReady = async (endpoint: string, exited: Promise<EngineExit>): Promise<void> => {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const requestHandler = { requestTimeout: 1_000, throwOnRequestTimeout: true };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1, requestHandler });
  const deadline = performance.now() + readyWithinMs;
  let ended: EngineExit | undefined;
  void exited.then((exit) => (ended = exit));
  while (!(await isReady(client))) {
    const { stderr } = ended ?? {};
    if (ended) throw new StartFault(`The embedded DynamoDB engine ended while starting: ${stderr || 'without a word'}`);
    if (performance.now() > deadline)
      throw new StartFault(`The embedded DynamoDB engine did not answer within ${readyWithinMs} ms`);
    await pause(10);
  }
  client.destroy();
};

export const startDynamoDb = async (options: LocalDynamoDbOptions = {}): Promise<LocalDynamoDb> => {
  const { file, log = silent } = options;
  const program = binary();
  const port = await freePort(options.port ?? 0);
  const engine = ['--host', '127.0.0.1', '--port', String(port), ...(file === undefined ? [] : ['--db-path', file])];
  const [command = '', ...args] = [...dyingWithParent(), program, ...engine];
  // In a group of its own: Ctrl-C in a terminal reaches everyone in the foreground group, and the engine must stop last.
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const exited = watch(child);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const ladder = new AbortController();
    void pause(endsWithinMs, ladder.signal).then(() => !ladder.signal.aborted && child.kill('SIGKILL'));
    await exited;
    ladder.abort();
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await untilReady(endpoint, exited);
  } catch (fault) {
    await stop();
    throw fault;
  }
  log('dynamodb.started', { endpoint, pid: child.pid, file });
  return { endpoint, pid: child.pid ?? 0, exited, [Symbol.asyncDispose]: stop };
};

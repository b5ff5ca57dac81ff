/** Speaks JSON-RPC to the demo agent with nothing in between, so that a test sees every byte that the agent writes. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { carriersOf, until } from '#test/support/processes.ts';

const program = fileURLToPath(new URL('../../../../services/local/demo-agent/main.ts', import.meta.url));

const Message = z.looseObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string().optional(),
  params: z.looseObject({}).optional(),
  result: z.unknown().optional(),
  error: z.looseObject({ code: z.number() }).optional(),
});
export type Message = z.infer<typeof Message>;

const Update = z.looseObject({ sessionUpdate: z.string(), content: z.unknown().optional() });
export type Update = z.infer<typeof Update>;
const Text = z.looseObject({ text: z.string() });

export type Folder = Disposable & { readonly path: string };

/** A folder that goes with the test. */
export const temporaryFolder = (): Folder => {
  const path = mkdtempSync(join(tmpdir(), 'demo-agent-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
};

export type Permit = (params: object) => string | undefined | Promise<string | undefined>;

export type ClientOptions = {
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** HOME of the agent; its work directory is `work` in there. */
  readonly home: string;
  /** The option that a permission request is answered with; undefined is 'cancelled'. */
  readonly permit?: Permit;
};

const keptBytes = 1_048_576;
const answerLimitMs = 20_000;

/** One agent process. Disposing kills it and whatever it left, wherever that went. */
export class RawClient implements AsyncDisposable {
  readonly messages: Message[] = [];
  /** What was written, as far as the first mebibyte. */
  stdout = Buffer.alloc(0);
  stdoutBytes = 0;
  stderrBytes = 0;
  readonly exit: Promise<number | string>;
  readonly cwd: string;
  readonly #tag = randomUUID();
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #permit: Permit;
  readonly #waiting = new Map<Message['id'], PromiseWithResolvers<Message>>();
  #asked = 0;
  #rest = Buffer.alloc(0);

  constructor({ args = [], env = {}, home, permit = () => 'allow_once' }: ClientOptions) {
    this.cwd = join(home, 'work');
    this.#permit = permit;
    this.#child = spawn(process.execPath, [program, '--pace-ms=0', ...args], {
      env: { PATH: process.env['PATH'], HOME: home, CLIENT: this.#tag, ...env },
      detached: true,
    });
    // An agent that is gone is noticed by its exit.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdout.on('data', (bytes: Buffer) => this.#hear(bytes));
    this.#child.stderr.on('data', (bytes: Buffer) => (this.stderrBytes += bytes.length));
    this.exit = once(this.#child, 'exit').then(([code, signal]) =>
      z.union([z.number(), z.string()]).parse(code ?? signal),
    );
    this.#child.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the agent is gone'));
    });
  }

  get pid(): number {
    return z.number().parse(this.#child.pid);
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  notify(method: string, params: object): void {
    this.write(`${JSON.stringify({ jsonrpc: '2.0', method, params })}\n`);
  }

  /** Resolves with the first answer; rejects when the agent is gone before it, or silent for too long. */
  request(method: string, params: object): Promise<Message> {
    const id = (this.#asked += 1);
    const waiting = Promise.withResolvers<Message>();
    this.#waiting.set(id, waiting);
    this.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    const silent = setTimeout(() => waiting.reject(new Error(`${method} was not answered`)), answerLimitMs);
    return waiting.promise.finally(() => clearTimeout(silent));
  }

  /** initialize and session/new; resolves with the session's id. */
  async open(): Promise<string> {
    await this.request('initialize', { protocolVersion: 1, clientCapabilities: {} });
    const { result } = await this.request('session/new', { cwd: this.cwd, mcpServers: [] });
    return z.object({ sessionId: z.string() }).parse(result).sessionId;
  }

  /** Resolves with the stop reason, or with `error <code>`. */
  async prompt(sessionId: string, text: string): Promise<string> {
    const { result, error } = await this.request('session/prompt', { sessionId, prompt: [{ type: 'text', text }] });
    return error ? `error ${error.code}` : z.object({ stopReason: z.string() }).parse(result).stopReason;
  }

  get updates(): Update[] {
    return this.messages
      .filter((message) => message.method === 'session/update')
      .map((message) => Update.parse(message.params?.['update']));
  }

  text(kind = 'agent_message_chunk'): string {
    return this.updates
      .filter((update) => update.sessionUpdate === kind)
      .map((update) => Text.parse(update.content).text)
      .join('');
  }

  /** The agent and all that descends from it: they inherit the environment. */
  processes(): number[] {
    return carriersOf(this.#tag);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const none = () => {
      const left = this.processes();
      for (const pid of left) killIfThere(pid);
      return left.length === 0;
    };
    await until(none, 'the agent left processes that cannot be killed');
  }

  #hear(bytes: Buffer): void {
    this.stdoutBytes += bytes.length;
    if (this.stdout.length < keptBytes) this.stdout = Buffer.concat([this.stdout, bytes]);
    const all = Buffer.concat([this.#rest, bytes]);
    const end = all.lastIndexOf('\n') + 1;
    this.#rest = all.subarray(end);
    for (const line of all.subarray(0, end).toString().split('\n')) this.#take(line);
  }

  #take(line: string): void {
    const message = parse(line);
    if (!message) return;
    this.messages.push(message);
    if (message.method === undefined) this.#waiting.get(message.id)?.resolve(message);
    else if (message.id !== undefined) void this.#answer(message);
  }

  async #answer({ id, method, params = {} }: Message): Promise<void> {
    const answer = async () => {
      if (method !== 'session/request_permission') return { error: { code: -32601, message: 'no such method' } };
      const optionId = await this.#permit(params);
      const outcome = optionId === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId };
      return { result: { outcome } };
    };
    this.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...(await answer()) })}\n`);
  }
}

const parse = (line: string): Message | undefined => {
  try {
    return Message.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
};

const killIfThere = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
};

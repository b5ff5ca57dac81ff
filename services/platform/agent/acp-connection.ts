/** One agent process that has answered `initialize`, and what can be asked of it. */
import * as acp from '@agentclientprotocol/sdk';
import { z } from 'zod';
import { AgentUnavailable } from './agent.ts';
import { connectWire } from './acp-wire.ts';
import type { WireHears } from './acp-wire.ts';
import { describeExit, lastWords, notStarted } from './failures.ts';
import { FileRefused } from './files.ts';
import { startProcess } from './process.ts';
import type { AgentProcess, ProcessHost, ProcessSpec } from './process.ts';
import { watch } from './watchdog.ts';

/** What the agent asks of us; each promise settles at once, whatever becomes of the turn. */
export type Serves = {
  readonly permission: (request: acp.RequestPermissionRequest) => acp.RequestPermissionResponse;
  readonly readFile: (request: acp.ReadTextFileRequest) => Promise<string>;
  readonly writeFile: (request: acp.WriteTextFileRequest) => Promise<void>;
};

export type Connection = {
  readonly process: AgentProcess;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly loadsSessions: boolean;
  /** Rejects with `acp.RequestError` when the agent refuses, with another error when it is gone. */
  readonly request: (method: string, params: object) => Promise<unknown>;
  readonly notify: (method: string, params: object) => void;
  /** False once nothing can be heard from the agent any more; what was asked is rejected then. */
  readonly isOpen: () => boolean;
};

export type ConnectionSpec = {
  readonly process: ProcessSpec;
  readonly host: ProcessHost;
  readonly startLimitMs: number;
};

const Hello = z.object({
  protocolVersion: z.number(),
  agentCapabilities: z.object({ loadSession: z.boolean().optional() }).nullish().catch(undefined),
  agentInfo: z.object({ name: z.string(), version: z.string() }).nullish().catch(undefined),
});

/** Neither files nor terminals: the agent does its own work in its own directory. */
const hello = {
  protocolVersion: acp.PROTOCOL_VERSION,
  clientInfo: { name: 'kiro-dispatch', version: '1' },
  clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
};

/** Rejects with `AgentUnavailable`, and with nothing left running, when the agent does not come up within its limit. */
export const connect = async (
  spec: ConnectionSpec,
  hears: WireHears,
  serves: Serves,
  signal: AbortSignal,
): Promise<Connection> => {
  signal.throwIfAborted();
  const agent = await startProcess({ ...spec.process, opening: '{' }, spec.host).catch((cause: unknown) => {
    throw notStarted(spec.process.command, cause, 'Install it, or name another agent in AGENT_COMMAND.');
  });
  const connection = serve(connectWire(agent, hears), serves);
  const request = (method: string, params: object): Promise<unknown> => connection.agent.request(method, params);
  try {
    const { agentInfo, agentCapabilities } = await greet(agent, request, spec, signal);
    return {
      process: agent,
      name: agentInfo?.name,
      version: agentInfo?.version,
      loadsSessions: agentCapabilities?.loadSession ?? false,
      request,
      notify: (method, params) => void connection.agent.notify(method, params).catch(() => undefined),
      isOpen: () => !connection.signal.aborted,
    };
  } catch (fault) {
    await agent.stop();
    throw fault;
  }
};

type Greeting = z.infer<typeof Hello>;

const greet = async (
  agent: AgentProcess,
  request: Connection['request'],
  { process: { command }, startLimitMs }: ConnectionSpec,
  signal: AbortSignal,
): Promise<Greeting> => {
  using limit = watch(startLimitMs);
  const { promise: aborted, resolve: abort } = Promise.withResolvers<'aborted'>();
  signal.addEventListener('abort', () => abort('aborted'), { once: true });
  const unavailable = (what: string, cause?: unknown) =>
    new AgentUnavailable(`${command} ${what}`, 'Run AGENT_COMMAND by hand and see whether it starts and speaks ACP.', {
      cause,
    });
  try {
    const answer = await Promise.race([request(acp.methods.agent.initialize, hello), limit.silence, aborted]);
    if (answer === 'aborted') throw new Error(`the start of ${command} was called off`, { cause: signal.reason });
    if (answer === 'silent') throw unavailable(`did not answer within ${startLimitMs / 1_000} s`);
    const parsed = Hello.safeParse(answer);
    if (parsed.success && parsed.data.protocolVersion === acp.PROTOCOL_VERSION) return parsed.data;
    throw unavailable(`does not speak version ${acp.PROTOCOL_VERSION} of ACP`, parsed.error);
  } catch (fault) {
    if (fault instanceof acp.RequestError) throw unavailable(`refused to start: ${describeRefusal(fault)}`, fault);
    throw fault instanceof AgentUnavailable || signal.aborted ? fault : unavailable(await howItEnded(agent), fault);
  }
};

/** What is seen first is a closed pipe; the exit, which says more, follows at once if there is one. */
const exitFollowsMs = 1_000;

export const howItEnded = async (agent: AgentProcess): Promise<string> => {
  using limit = watch(exitFollowsMs);
  const exit = await Promise.race([agent.exited, limit.silence]);
  return `${exit === 'silent' ? 'closed its output' : describeExit(exit)}${lastWords(agent.stderr())}`;
};

/** Kiro puts the sentence for people into `data`. */
export const describeRefusal = ({ message, data }: acp.RequestError): string =>
  (typeof data === 'string' && data !== '' ? `${message}: ${data}` : message).slice(0, 1_000);

const { client } = acp.methods;

const serve = (stream: acp.Stream, serves: Serves): acp.ClientConnection =>
  acp
    .client({ name: 'kiro-dispatch' })
    .onRequest(client.session.requestPermission, ({ params }) => serves.permission(params))
    .onRequest(client.fs.readTextFile, async ({ params }) => ({ content: await served(serves.readFile(params)) }))
    .onRequest(client.fs.writeTextFile, async ({ params }) => {
      await served(serves.writeFile(params));
      return {};
    })
    .connect(stream);

/** A refusal is told in its own words; a fault of the file system by what it is. */
const served = async <Value>(work: Promise<Value>): Promise<Value> => {
  try {
    return await work;
  } catch (fault) {
    const reason = fault instanceof Error ? fault.message : String(fault);
    throw fault instanceof FileRefused
      ? acp.RequestError.invalidParams(undefined, reason)
      : new acp.RequestError(-32603, reason);
  }
};

/** Drives one agent over the Agent Client Protocol: one process, one conversation after another, one turn at a time. */
import { aborted } from '#platform/lifetime.ts';
import type {
  Agent,
  AgentExit,
  AgentInfo,
  Conversation,
  ConversationStart,
  StopReport,
  Turn,
  TurnEnd,
} from './agent.ts';
import { connect } from './acp-connection.ts';
import type { Connection, Serves } from './acp-connection.ts';
import { loadConversation, openConversation } from './acp-conversation.ts';
import { promptAgent } from './acp-prompt.ts';
import { acpTurn } from './acp-turn.ts';
import type { AcpTurn } from './acp-turn.ts';
import type { WireHears } from './acp-wire.ts';
import type { Dialect } from './dialect.ts';
import { silent } from './failures.ts';
import { FileRefused, readTextFile, writeTextFile } from './files.ts';
import type { PermissionPolicy } from './permissions.ts';
import type { ProcessHost, ProcessSpec } from './process.ts';
import { watch } from './watchdog.ts';
import type { Watchdog } from './watchdog.ts';

export type AcpLimits = {
  /** For the process to come up, and again for each conversation to open. */
  readonly startMs: number;
  /** For a conversation to be loaded; starts again with everything that is heard. */
  readonly loadMs: number;
  /** Without a sign of life for this long, a turn has failed. */
  readonly idleMs: number;
  /** For a cancelled turn to end by itself. */
  readonly cancelGraceMs: number;
};

export type AcpSpec = {
  readonly process: ProcessSpec;
  readonly host: ProcessHost;
  readonly dialect: Dialect;
  readonly policy: PermissionPolicy;
  readonly model?: string | undefined;
  readonly limits: AcpLimits;
};

/** Rejects with `AgentUnavailable` when the program is missing, silent, or no ACP agent. */
export const startAcpAgent = async (spec: AcpSpec, signal: AbortSignal): Promise<Agent> => {
  const agent = new AcpAgent(spec);
  await agent.connect(signal);
  return agent;
};

const endedBy = ({ stages }: StopReport): string => {
  const signals = stages.filter((stage) => stage !== 'cancel').map((stage) => stage.toUpperCase());
  return `the agent did not end its turn when it was cancelled, and was ended by ${signals.join(' and ')}`;
};

/** A turn under way: it is cancelled once, by whoever comes first, and the agent then has one grace to end it. */
type ActiveTurn = AcpTurn & { readonly idle: Watchdog; readonly cancel: () => Promise<'ended' | 'silent'> };

class AcpAgent implements Agent {
  readonly #spec: AcpSpec;
  readonly #directories = new Map<string, string>();
  readonly #stopping = new AbortController();
  readonly #gone = Promise.withResolvers<AgentExit>();
  #connected: Connection | undefined;
  #loading: Watchdog | undefined;
  #turn: ActiveTurn | undefined;
  #stopped: Promise<StopReport> | undefined;

  constructor(spec: AcpSpec) {
    this.#spec = spec;
  }

  get #connection(): Connection {
    if (!this.#connected) throw new Error('the agent was not started');
    return this.#connected;
  }

  get info(): AgentInfo {
    const { name = this.#spec.process.command, version = 'unknown', process } = this.#connection;
    return { name, version, dialect: this.#spec.dialect.name, pid: process.pid };
  }

  get exited(): Promise<AgentExit> {
    return this.#gone.promise;
  }

  async connect(signal: AbortSignal): Promise<void> {
    const { process, host, limits } = this.#spec;
    const spec = { process, host, startLimitMs: limits.startMs };
    const either = AbortSignal.any([signal, this.#stopping.signal]);
    const connection = await connect(spec, this.#hears, this.#serves, either);
    if (this.#stopping.signal.aborted) {
      await connection.process.stop();
      throw new Error('the agent was stopped while it came up');
    }
    this.#connected = connection;
    void connection.process.exited.then((exit) => {
      // One that ends over a conversation that it should load is replaced.
      if (!this.#loading) this.#gone.resolve(exit);
    });
  }

  async startConversation({ cwd, resume }: ConversationStart): Promise<Conversation> {
    const resumed = resume !== undefined && (await this.#load(resume, cwd));
    const { limits } = this.#spec;
    const id = resumed ? resume : await openConversation(this.#connection, cwd, this.#spec, limits.startMs);
    this.#directories.set(id, cwd);
    return { id, resumed };
  }

  async #load(resume: string, cwd: string): Promise<boolean> {
    const connection = this.#connection;
    if (!connection.loadsSessions) return false;
    using limit = watch(this.#spec.limits.loadMs);
    this.#loading = limit;
    try {
      if (await loadConversation(connection, resume, cwd, this.#spec, limit)) return true;
      if (connection.isOpen()) return false;
      await connection.process.stop();
      await this.connect(this.#stopping.signal);
      return false;
    } catch (fault) {
      this.#gone.resolve(await connection.process.exited);
      throw fault;
    } finally {
      this.#loading = undefined;
    }
  }

  async runTurn(turn: Turn, signal: AbortSignal): Promise<TurnEnd> {
    const cwd = this.#directories.get(turn.conversationId);
    if (this.#turn || cwd === undefined)
      throw new Error('a turn needs a conversation of this agent, and no other turn');
    if (signal.aborted || this.#stopped) return { outcome: 'cancelled' };
    using idle = watch(this.#spec.limits.idleMs);
    const { dialect, policy } = this.#spec;
    const state: { cancelled?: Promise<'ended' | 'silent'> } = {};
    const acp = acpTurn({ ...turn, cwd, dialect, policy, isCancelled: () => state.cancelled !== undefined });
    const end = promptAgent(this.#connection, turn, acp.record);
    const cancel = () => (state.cancelled ??= this.#cancel(turn.conversationId, end));
    this.#turn = { ...acp, idle, cancel };
    try {
      const first = await Promise.race([end, idle.silence, aborted(signal).then(() => 'aborted' as const)]);
      if (!state.cancelled && first === 'silent') return silent(this.#spec.limits.idleMs);
      if (!state.cancelled && first !== 'aborted' && first !== 'silent') return first;
      if ((await cancel()) === 'silent') acp.record.noticeOnce(endedBy(await this.stop()));
      return { outcome: 'cancelled' };
    } finally {
      acp.record.close();
      this.#turn = undefined;
    }
  }

  async #cancel(sessionId: string, end: Promise<TurnEnd>): Promise<'ended' | 'silent'> {
    this.#connection.notify('session/cancel', { sessionId });
    using grace = watch(this.#spec.limits.cancelGraceMs);
    return await Promise.race([end.then(() => 'ended' as const), grace.silence]);
  }

  stop(): Promise<StopReport> {
    return (this.#stopped ??= this.#end());
  }

  async #end(): Promise<StopReport> {
    const startedAt = performance.now();
    this.#stopping.abort('the agent is stopped');
    const turn = this.#turn;
    await turn?.cancel();
    const { stages } = await this.#connection.process.stop();
    const durationMs = Math.round(performance.now() - startedAt);
    return { stages: turn ? ['cancel', ...stages] : stages, durationMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  readonly #hears: WireHears = {
    notification: (method, params) => this.#turn?.hear(method, params),
    answered: (method) => {
      if (method === 'session/prompt') this.#turn?.end();
    },
    signOfLife: () => {
      this.#turn?.idle.touch();
      this.#loading?.touch();
    },
    noise: () => this.#turn?.record.noticeOnce('the agent writes lines that are no messages'),
    lost: (lines) => this.#turn?.record.noticeOnce(`${lines} lines of the agent were too long and are lost`),
  };

  readonly #serves: Serves = {
    permission: (request) => this.#turn?.permit(request) ?? { outcome: { outcome: 'cancelled' } },
    readFile: async ({ sessionId, path, line, limit }) =>
      readTextFile(this.#directoryOf(sessionId), path, { line, limit }),
    writeFile: async ({ sessionId, path, content }) => writeTextFile(this.#directoryOf(sessionId), path, content),
  };

  #directoryOf(sessionId: string): string {
    const directory = this.#directories.get(sessionId);
    if (directory === undefined) throw new FileRefused(`there is no session ${sessionId}`);
    if (this.#spec.policy === 'deny-all') throw new FileRefused('files are denied by policy');
    return directory;
  }
}

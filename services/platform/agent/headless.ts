/** Drives Kiro without ACP: one process per turn, the prompt on its input, structured records on its output. */
import { randomUUID } from 'node:crypto';
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
import type { AcpLimits } from './acp.ts';
import { agentFailed, describeExit, endOf, failed, lastWords, silent } from './failures.ts';
import { hasOption } from './kiro-command.ts';
import type { PermissionPolicy } from './permissions.ts';
import { ProgramMissing, startProcess } from './process.ts';
import type { AgentProcess, ProcessHost, ProcessSpec } from './process.ts';
import { readRecord } from './stream-json.ts';
import type { RunRecord } from './stream-json.ts';
import { recordTurn } from './turn-record.ts';
import type { TurnRecord } from './turn-record.ts';
import { watch } from './watchdog.ts';

export type HeadlessSpec = {
  readonly process: ProcessSpec;
  readonly host: ProcessHost;
  /** Nobody is asked in this mode: all tools are trusted or none. */
  readonly policy: Exclude<PermissionPolicy, 'allow-workdir'>;
  readonly model?: string | undefined;
  readonly limits: Pick<AcpLimits, 'idleMs'>;
};

/** Nothing runs until the first turn. */
export const startHeadlessAgent = (spec: HeadlessSpec): Agent => new HeadlessAgent(spec);

/** A run that has said its last word puts its session away before it exits. */
const exitGraceMs = 5_000;

/** `sessionId` is what Kiro calls the conversation, known since its first turn. */
type Held = { readonly cwd: string; sessionId?: string };

class HeadlessAgent implements Agent {
  readonly #spec: HeadlessSpec;
  readonly #conversations = new Map<string, Held>();
  readonly #gone = Promise.withResolvers<AgentExit>();
  readonly #stopping = new AbortController();
  #process: AgentProcess | undefined;
  #stopped: Promise<StopReport> | undefined;

  constructor(spec: HeadlessSpec) {
    this.#spec = spec;
  }

  get info(): AgentInfo {
    const { command: name } = this.#spec.process;
    return { name, version: 'unknown', dialect: 'stream-json', pid: this.#process?.pid ?? 0 };
  }

  get exited(): Promise<AgentExit> {
    return this.#gone.promise;
  }

  /** Kiro names a conversation only in its first turn, so that none of an earlier process can be found again. */
  async startConversation({ cwd, resume }: ConversationStart): Promise<Conversation> {
    if (resume !== undefined && this.#conversations.has(resume)) return { id: resume, resumed: true };
    const id = randomUUID();
    this.#conversations.set(id, { cwd });
    return { id, resumed: false };
  }

  async runTurn(turn: Turn, signal: AbortSignal): Promise<TurnEnd> {
    const held = this.#conversations.get(turn.conversationId);
    if (this.#process || !held) throw new Error('a turn needs a conversation of this agent, and no other turn');
    const stop = AbortSignal.any([signal, this.#stopping.signal]);
    if (stop.aborted) return { outcome: 'cancelled' };
    const record = recordTurn(turn.onUpdate);
    const { command } = this.#spec.process;
    try {
      const args = argumentsOf(this.#spec, held.sessionId);
      await using process = await startProcess({ command, args, cwd: held.cwd, opening: '{' }, this.#spec.host);
      this.#process = process;
      process.stdin.end(turn.prompt);
      return await this.#follow(process, record, held, stop);
    } catch (cause) {
      if (cause instanceof ProgramMissing) return failed(agentFailed(`${command} is not installed`), false);
      throw cause;
    } finally {
      record.close();
      this.#process = undefined;
    }
  }

  async #follow(process: AgentProcess, record: TurnRecord, held: Held, stop: AbortSignal): Promise<TurnEnd> {
    const { idleMs } = this.#spec.limits;
    using idle = watch(idleMs);
    const last = followRun(process, record, held, idle.touch);
    const first = await Promise.race([last, idle.silence, aborted(stop).then(() => 'aborted' as const)]);
    if (stop.aborted || first === 'aborted') return { outcome: 'cancelled' };
    if (first === 'silent') return silent(idleMs);
    using grace = watch(exitGraceMs);
    const exit = await Promise.race([process.exited, grace.silence]);
    if (first?.kind === 'error') return failed(agentFailed(`the agent reported an error: ${first.message}`), true);
    if (first?.kind === 'finished' && first.status === 'success') {
      return endOf(first.stopReason ?? 'end_turn', record.text() || (first.finalText ?? ''));
    }
    const how = exit === 'silent' ? 'closed its output' : describeExit(exit);
    const status = first === undefined ? 'without saying that it succeeded' : `with status ${first.status}`;
    return failed(agentFailed(`the agent ${how} ${status}${lastWords(process.stderr())}`), true);
  }

  stop(): Promise<StopReport> {
    return (this.#stopped ??= this.#end());
  }

  async #end(): Promise<StopReport> {
    this.#stopping.abort('the agent is stopped');
    const report = (await this.#process?.stop()) ?? { stages: [], durationMs: 0 };
    this.#gone.resolve({ outcome: 'stopped' });
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

type LastRecord = Exclude<RunRecord, { kind: 'events' }>;

/** Passes on what the run reports, to the end of its output; resolves with its last word, or with nothing when it has none. */
const followRun = (
  process: AgentProcess,
  record: TurnRecord,
  held: Held,
  signOfLife: () => void,
): Promise<LastRecord | undefined> => {
  const { promise, resolve, reject } = Promise.withResolvers<LastRecord | undefined>();
  const read = async (): Promise<void> => {
    let own: string | undefined;
    for await (const { lines, dropped } of process.stdout) {
      if (dropped > 0) record.noticeOnce(`${dropped} lines of the agent were too long and are lost`);
      for (const said of lines.flatMap((line) => readRecord(line) ?? [])) {
        signOfLife();
        if (said.kind !== 'events') {
          resolve(said);
          continue;
        }
        // The first session that is named is ours; a subagent has one of its own.
        own ??= said.sessionId;
        if (own !== undefined) held.sessionId = own;
        if (said.sessionId === own) said.events.forEach(record.add);
      }
    }
    resolve(undefined);
  };
  read().catch(reject);
  return promise;
};

/** What was configured, and what this mode cannot do without. */
const argumentsOf = ({ process: { args }, policy, model }: HeadlessSpec, sessionId: string | undefined): string[] => {
  const unless = (option: string, ...added: readonly string[]) => (hasOption(args, option) ? [] : [option, ...added]);
  const isTrusting = ['--trust-all-tools', '-a', '--trust-tools'].some((option) => hasOption(args, option));
  return [
    ...args,
    ...unless('--no-interactive'),
    ...unless('--output-format', 'stream-json'),
    ...(isTrusting ? [] : policy === 'allow-all' ? ['--trust-all-tools'] : ['--trust-tools=']),
    ...(model === undefined ? [] : unless('--model', model)),
    ...(sessionId === undefined ? [] : ['--resume-id', sessionId]),
  ];
};

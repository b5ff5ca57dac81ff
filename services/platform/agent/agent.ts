/** One agent process, whatever protocol it speaks: the port that the worker drives. Adapters: `acp.ts`, `headless.ts`. */
import type { TaskUpdate } from '#events/task-update.ts';
import type { TaskError } from '#events/error.ts';

export type AgentInfo = {
  readonly name: string;
  readonly version: string;
  readonly dialect: 'acp' | 'kiro-v2' | 'kiro-v3' | 'stream-json';
  /**
   * The process that was started, for people and for `kiro-sessions`; its descendants are `process.ts`'s business. It changes when an
   * agent exits over a conversation that it should load and is started anew; with stream-json it is 0 between turns.
   */
  readonly pid: number;
};

/** How a turn ended. An agent that exits, breaks the protocol or stays silent too long has failed, whatever its exit code. */
export type TurnEnd =
  | { readonly outcome: 'completed'; readonly text: string; readonly stopReason: string }
  /** Our own signal stopped it. */
  | { readonly outcome: 'cancelled' }
  /** `reusable` says whether the process may serve another turn. */
  | { readonly outcome: 'failed'; readonly error: TaskError; readonly reusable: boolean };

export type ConversationStart = {
  /** Absolute path of the work directory. */
  readonly cwd: string;
  /** The agent's own name of an earlier conversation that shall go on. */
  readonly resume?: string;
};

/** `resumed` is false when the agent could not take up the earlier conversation and started an empty one. */
export type Conversation = { readonly id: string; readonly resumed: boolean };

export type Turn = {
  readonly conversationId: string;
  readonly prompt: string;
  /** Called in order, never after the turn's promise has settled. Must not throw. */
  readonly onUpdate: (update: TaskUpdate) => void;
};

export type StopStage = 'cancel' | 'sigterm' | 'sigkill';

/** The stages that were needed, and the moment at which the whole process tree was seen empty. */
export type StopReport = { readonly stages: readonly StopStage[]; readonly durationMs: number };

/**
 * A running agent. At most one turn at a time. Disposing is `stop()`.
 * Starting one (`StartAgent`) rejects with `AgentUnavailable` when the program is missing, not signed in, or silent past its start-up limit.
 */
export type Agent = AsyncDisposable & {
  readonly info: AgentInfo;
  /** Resolves when the process is gone, however it went. */
  readonly exited: Promise<AgentExit>;
  readonly startConversation: (start: ConversationStart) => Promise<Conversation>;
  /** Aborting `signal` sends the protocol's cancel; a turn that does not end within the grace ends as 'cancelled' with the process stopped. */
  readonly runTurn: (turn: Turn, signal: AbortSignal) => Promise<TurnEnd>;
  /** Cancel, SIGTERM, SIGKILL; resolves when no descendant is left. Safe to call twice. */
  readonly stop: () => Promise<StopReport>;
};

export type AgentExit =
  | { readonly outcome: 'exited'; readonly code: number }
  | { readonly outcome: 'killed'; readonly signal: string }
  | { readonly outcome: 'stopped' };

export type StartAgent = (signal: AbortSignal) => Promise<Agent>;

/** The agent cannot be had at all: a sentence for people, and what they can do. */
export class AgentUnavailable extends Error {
  readonly remedy: string;
  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }
}

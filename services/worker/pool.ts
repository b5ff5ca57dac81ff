/** The agent processes of this worker: at most `sessionsMax`, kept warm, each belonging to one account from its first task on. */
import { addAbortListener } from 'node:events';
import { AgentUnavailable } from '#platform/agent/agent.ts';
import type { Agent, AgentExit, Conversation, StartAgent } from '#platform/agent/agent.ts';
import type { AccountId, SessionId } from '#events/ids.ts';
import type { CloseReason } from '#events/session.ts';
import type { Log } from '#platform/log.ts';

/** A conversation in the hands of this worker. */
export type HeldSession = {
  readonly sessionId: SessionId;
  readonly generation: number;
  readonly owner: AccountId;
  readonly agent: Agent;
  readonly conversation: Conversation;
  readonly workDirectory: string;
};

export type OpenSession = Pick<HeldSession, 'sessionId' | 'generation' | 'owner' | 'workDirectory'> & {
  /** The agent's own name of the conversation, where there was one before. */
  readonly resume?: string;
};

/** What became of the turn: how full the context is, and whether the process may serve another one. */
export type Release = { readonly contextPercent?: number; readonly reusable: boolean };

export type PoolSettings = {
  readonly sessionsMax: number;
  readonly idleMs: number;
  readonly tasksMax: number;
  readonly contextPercentMax: number;
  /** Agents started ahead of need (0 or 1), so that a new conversation does not wait for a process. */
  readonly spares: number;
};

export type PoolHears = {
  readonly opened: (session: HeldSession) => void;
  readonly closed: (session: HeldSession, reason: CloseReason) => void;
};

type Slot = {
  readonly agent: Agent;
  session?: HeldSession;
  /** Set at the first session: a process that has seen one account's work never serves another's. */
  owner?: AccountId;
  busy: boolean;
  tasks: number;
  idleSince: number;
};

export class SessionPool implements AsyncDisposable {
  readonly #slots = new Set<Slot>();
  readonly #startAgent: StartAgent;
  readonly #settings: PoolSettings;
  readonly #hears: PoolHears;
  readonly #clock: () => number;
  readonly #log: Log;
  readonly #stop = new AbortController();
  #spare: Promise<Slot> | undefined;
  #starting = 0;

  constructor(startAgent: StartAgent, settings: PoolSettings, hears: PoolHears, clock: () => number, log: Log) {
    this.#startAgent = startAgent;
    this.#settings = settings;
    this.#hears = hears;
    this.#clock = clock;
    this.#log = log;
  }

  /** How many processes there are, and how many of them work. */
  get load(): { readonly processes: number; readonly active: number } {
    return {
      processes: this.#slots.size,
      active: [...this.#slots].filter((slot) => slot.busy && slot.owner !== undefined).length,
    };
  }

  get sessions(): readonly HeldSession[] {
    return [...this.#slots].flatMap((slot) => (slot.session ? [slot.session] : []));
  }

  holds(sessionId: string): boolean {
    return this.#slotOf(sessionId) !== undefined;
  }

  /** Starts the spare, if there shall be one; rejects when the agent cannot be had, so that a start-up can say so. */
  async warm(): Promise<void> {
    await (this.#spare ?? this.#refill());
  }

  /** Takes up a session that is held and idle. */
  resume(sessionId: SessionId): HeldSession | undefined {
    const slot = this.#slotOf(sessionId);
    if (!slot || slot.busy) return undefined;
    slot.busy = true;
    return slot.session;
  }

  /** Opens a conversation on a warm process if there is one. The caller must not hold more sessions than `sessionsMax` at once. */
  async open(request: OpenSession, signal: AbortSignal): Promise<HeldSession> {
    const slot = await this.#acquire(request.owner, signal);
    slot.busy = true;
    slot.owner = request.owner;
    try {
      const { workDirectory: cwd, resume } = request;
      const start = slot.agent.startConversation({ cwd, ...(resume === undefined ? {} : { resume }) });
      const conversation = await orAborted(start, signal);
      const session = { ...request, agent: slot.agent, conversation };
      slot.session = session;
      this.#hears.opened(session);
      return session;
    } catch (fault) {
      await this.#end(slot, 'failed');
      throw fault;
    } finally {
      void this.#refill();
    }
  }

  /** Gives a session back after its turn. One that is spent or broken is closed, its process replaced. */
  async release(sessionId: SessionId, { contextPercent = 0, reusable }: Release): Promise<void> {
    const slot = this.#slotOf(sessionId);
    if (!slot) return;
    slot.tasks += 1;
    const spent = slot.tasks >= this.#settings.tasksMax || contextPercent >= this.#settings.contextPercentMax;
    if (!reusable) await this.#end(slot, 'failed');
    else if (spent) await this.#end(slot, 'recycled');
    slot.busy = false;
    slot.idleSince = this.#clock();
    if (!reusable || spent) void this.#refill();
  }

  /** Ends the process of an idle session, such as one that its owner closed. */
  async close(sessionId: SessionId, reason: CloseReason): Promise<void> {
    const slot = this.#slotOf(sessionId);
    if (slot && !slot.busy) await this.#end(slot, reason);
  }

  /** Closes what nobody has used for `idleMs`. */
  async closeIdle(): Promise<void> {
    const before = this.#clock() - this.#settings.idleMs;
    const idle = [...this.#slots].filter((slot) => slot.session && !slot.busy && slot.idleSince <= before);
    await Promise.all(idle.map((slot) => this.#end(slot, 'idle')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort('pool closed');
    await this.#spare?.catch(() => undefined);
    await Promise.all([...this.#slots].map((slot) => this.#end(slot, 'shutdown')));
  }

  #slotOf(sessionId: string): Slot | undefined {
    return [...this.#slots].find(({ session }) => session?.sessionId === sessionId);
  }

  async #acquire(owner: AccountId, signal: AbortSignal): Promise<Slot> {
    const spare = await this.#takeSpare(signal);
    if (spare) return spare;
    const idle = [...this.#slots].filter((slot) => !slot.busy).sort((a, b) => a.idleSince - b.idleSince);
    if (this.#slots.size + this.#starting >= this.#settings.sessionsMax) {
      const own = idle.find((slot) => slot.owner === owner);
      if (own) return this.#reuse(own);
      const [oldest] = idle;
      if (oldest) {
        // Its place is taken before it is free: nobody else may see room there meanwhile.
        const ended = this.#end(oldest, 'recycled');
        return this.#start(AbortSignal.any([signal, this.#stop.signal]), ended);
      }
    }
    return this.#start(AbortSignal.any([signal, this.#stop.signal]));
  }

  /** The same process, another conversation: what the account asked before is not part of it. */
  #reuse(slot: Slot): Slot {
    slot.busy = true;
    const { session } = slot;
    delete slot.session;
    if (session) this.#hears.closed(session, 'recycled');
    return slot;
  }

  async #takeSpare(signal: AbortSignal): Promise<Slot | undefined> {
    const spare = this.#spare;
    if (!spare) return undefined;
    this.#spare = undefined;
    const slot = await orAborted(
      spare.catch(() => undefined),
      signal,
    ).catch((fault: unknown) => {
      // Nobody wants it now. The next one may, unless there is another spare by then.
      if (this.#spare)
        void spare.then(
          (slot) => this.#end(slot, 'recycled'),
          () => undefined,
        );
      else this.#spare = spare;
      throw fault;
    });
    return slot && this.#slots.has(slot) ? slot : undefined;
  }

  /** A start that fails is told here, so whoever does not wait for it need not look. */
  #refill(): Promise<Slot> | undefined {
    const full = this.#slots.size + this.#starting >= this.#settings.sessionsMax;
    if (this.#spare || full || this.#settings.spares === 0 || this.#stop.signal.aborted) return this.#spare;
    const spare = this.#start(this.#stop.signal);
    this.#spare = spare;
    spare.catch((fault: unknown) => {
      if (this.#spare === spare) this.#spare = undefined;
      if (this.#stop.signal.aborted) return;
      const remedy = fault instanceof AgentUnavailable ? fault.remedy : undefined;
      this.#log.problem('agent.unavailable', { reason: String(fault), remedy });
    });
    return spare;
  }

  /** `first` is waited for with the place already counted. */
  async #start(signal: AbortSignal, first?: Promise<void>): Promise<Slot> {
    this.#starting += 1;
    try {
      await first;
      const agent = await this.#startAgent(signal);
      const slot: Slot = { agent, busy: true, tasks: 0, idleSince: this.#clock() };
      this.#slots.add(slot);
      this.#log('agent.started', { pid: agent.info.pid, agent: agent.info.name, version: agent.info.version });
      void agent.exited.then((exit) => this.#lost(slot, exit.outcome));
      return slot;
    } finally {
      this.#starting -= 1;
    }
  }

  /** An agent that went by itself, or was ended by its own turn, which tells why. What it left behind ends with it. */
  #lost(slot: Slot, outcome: AgentExit['outcome']): void {
    if (!this.#slots.delete(slot)) return;
    if (outcome === 'stopped') {
      this.#endAgent(slot, 'failed').catch((err: unknown) => this.#log.problem('agent.survives', { err }));
    } else {
      this.#log.problem('agent.lost', { pid: slot.agent.info.pid, outcome });
    }
    if (slot.session) this.#hears.closed(slot.session, 'failed');
    void this.#refill();
  }

  async #end(slot: Slot, reason: CloseReason): Promise<void> {
    if (!this.#slots.delete(slot)) return;
    await this.#endAgent(slot, reason);
    if (slot.session) this.#hears.closed(slot.session, reason);
  }

  async #endAgent({ agent }: Slot, reason: CloseReason): Promise<void> {
    const { stages, durationMs } = await agent.stop();
    this.#log('agent.stopped', { pid: agent.info.pid, reason, stages, durationMs });
  }
}

/** Rejects with the signal's reason as soon as it aborts; what `promise` then comes to is nobody's business any more. */
const orAborted = async <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  promise.catch(() => undefined);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  using _listening = addAbortListener(signal, () => reject(new Error('called off', { cause: signal.reason })));
  return await Promise.race([promise, aborted]);
};

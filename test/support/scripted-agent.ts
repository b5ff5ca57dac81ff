/** An agent without a process: the port of `agent.ts`, played by a function of the test. */
import type { TaskUpdate } from '#events/task-update.ts';
import type { Agent, AgentExit, StartAgent, Turn, TurnEnd } from '#platform/agent/agent.ts';

/** Plays one turn; what it returns is how the turn ends. */
export type Script = (turn: Turn, signal: AbortSignal) => Promise<TurnEnd>;

export const says = (text: string, ...updates: readonly TaskUpdate[]): Script => {
  return async ({ onUpdate }) => {
    for (const update of updates) onUpdate(update);
    onUpdate({ kind: 'text', text });
    return { outcome: 'completed', text, stopReason: 'end_turn' };
  };
};

/** Works until it is told to stop, and then does. */
export const untilCancelled: Script = async ({ onUpdate }, signal) => {
  onUpdate({ kind: 'text', text: 'working' });
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return { outcome: 'cancelled' };
};

/** Says once that it is at work, so that a test can act in the middle of a turn. */
export const pausing = () => {
  const atWork = Promise.withResolvers<void>();
  const script: Script = (turn, signal) => {
    atWork.resolve();
    return untilCancelled(turn, signal);
  };
  return { script, atWork: atWork.promise };
};

export type ScriptedAgents = {
  readonly start: StartAgent;
  readonly started: readonly ScriptedAgent[];
};
export type ScriptedAgent = Agent & {
  readonly prompts: readonly string[];
  /** The process goes by itself. */
  readonly die: () => void;
  readonly stopped: boolean;
  readonly conversations: readonly string[];
};

export const scriptedAgents = (script: Script, options: { readonly remembers?: boolean } = {}): ScriptedAgents => {
  const started: ScriptedAgent[] = [];
  return {
    started,
    start: async () => {
      const agent = scriptedAgent(started.length + 1, script, options.remembers ?? false);
      started.push(agent);
      return agent;
    },
  };
};

const scriptedAgent = (pid: number, script: Script, remembers: boolean): ScriptedAgent => {
  const prompts: string[] = [];
  const conversations: string[] = [];
  const exited = Promise.withResolvers<AgentExit>();
  let stopped = false;
  const stop = async () => {
    stopped = true;
    exited.resolve({ outcome: 'stopped' });
    return { stages: [], durationMs: 0 };
  };
  return {
    info: { name: 'scripted', version: '1', dialect: 'acp', pid },
    exited: exited.promise,
    prompts,
    conversations,
    startConversation: async ({ resume }) => {
      const resumed = remembers && resume !== undefined;
      const id = resumed ? resume : `conversation-${pid}-${conversations.length + 1}`;
      conversations.push(id);
      return { id, resumed };
    },
    runTurn: (turn, signal) => {
      prompts.push(turn.prompt);
      return script(turn, signal);
    },
    stop,
    die: () => exited.resolve({ outcome: 'exited', code: 1 }),
    get stopped() {
      return stopped;
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
};

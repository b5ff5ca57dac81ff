/** Agents that follow a script, and what the tests of the ACP adapter have to say to them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { TaskUpdate } from '#events/task-update.ts';
import { startAcpAgent } from '#platform/agent/acp.ts';
import type { AcpLimits } from '#platform/agent/acp.ts';
import type { Agent, TurnEnd } from '#platform/agent/agent.ts';
import { plain } from '#platform/agent/plain.ts';
import type { PermissionPolicy } from '#platform/agent/permissions.ts';

/** Where the agents of one test file are started and work; gone after its last test. */
export const root = mkdtempSync(join(tmpdir(), 'kiro-acp-'));
after(() => rmSync(root, { recursive: true }));
export const never = new AbortController().signal;
let scripts = 0;

type Options = { readonly limits?: Partial<AcpLimits>; readonly policy?: PermissionPolicy; readonly tag?: string };

export const startProgram = (
  command: string,
  args: readonly string[],
  { limits, policy = 'allow-workdir', tag = '' }: Options,
) =>
  startAcpAgent(
    {
      process: { command, args, cwd: root },
      host: { env: { ...process.env, KIRO_TEST_TAG: tag }, stopGraceMs: 500 },
      dialect: plain,
      policy,
      limits: { startMs: 10_000, loadMs: 10_000, idleMs: 10_000, cancelGraceMs: 300, ...limits },
    },
    never,
  );

/** An agent that follows a script; see `wire-agent.ts`. */
export const start = (steps: readonly object[], options: Options = {}): Promise<Agent> => {
  const script = join(root, `script-${(scripts += 1)}.jsonl`);
  writeFileSync(script, steps.map((step) => `${JSON.stringify(step)}\n`).join(''));
  const program = join(import.meta.dirname, '../../../support/wire-agent.ts');
  return startProgram(process.execPath, [program, script], options);
};

export const hello = { hear: 'initialize', result: { protocolVersion: 1, agentCapabilities: { loadSession: true } } };
export const opened = { hear: 'session/new', result: { sessionId: 's' } };
export const asked = { hear: 'session/prompt' };
export const ended = (stopReason = 'end_turn') => ({ answer: 'session/prompt', result: { stopReason } });
export const update = (fields: object, sessionId = 's') => ({
  say: { jsonrpc: '2.0', method: 'session/update', params: { sessionId, update: fields } },
});
export const text = (said: string) =>
  update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: said } });
export const request = (id: string | number, method: string, params: object) => ({
  say: { jsonrpc: '2.0', id, method, params },
});

export const turn = async (agent: Agent, signal = never, cwd = root) => {
  const { id } = await agent.startConversation({ cwd });
  const updates: TaskUpdate[] = [];
  const end = await agent.runTurn(
    { conversationId: id, prompt: 'Go.', onUpdate: (said) => updates.push(said) },
    signal,
  );
  return { end, updates };
};

/** One turn of an agent that follows the steps once it is asked. */
export const played = async (steps: readonly object[], options: Options = {}, cwd = root) => {
  await using agent = await start([hello, opened, asked, ...steps], options);
  return await turn(agent, never, cwd);
};

export const messageOf = (end: TurnEnd): string => (end.outcome === 'failed' ? end.error.message : end.outcome);

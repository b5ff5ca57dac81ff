/** Our driver against an agent that nobody here wrote, with a stub in place of its model: no network, no account. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TaskUpdate } from '#events/task-update.ts';
import type { Agent } from '#platform/agent/agent.ts';
import { agentStarter } from '#platform/agent/start-agent.ts';
import { carriersOf } from '#test/support/processes.ts';
import { opencodeCommand, opencodeProgram } from './opencode.ts';
import { startStubLlm } from './stub-llm.ts';
import type { StubLlm } from './stub-llm.ts';

const skip = existsSync(opencodeProgram) ? false : 'opencode is not installed here: make test-agents';

/** A turn of opencode takes two seconds, its start as many; a busy machine takes its time. */
const patience = () => AbortSignal.timeout(60_000);

/** One turn, and what came meanwhile. */
const runTurn = async (agent: Agent, conversationId: string, prompt: string) => {
  const updates: TaskUpdate[] = [];
  const end = await agent.runTurn({ conversationId, prompt, onUpdate: (update) => updates.push(update) }, patience());
  return { end, updates };
};
const decisionsIn = (updates: readonly TaskUpdate[]) =>
  updates.flatMap((update) => (update.kind === 'permission' ? [update.decision] : []));

describe('opencode', { skip }, () => {
  const home = mkdtempSync(join(tmpdir(), 'opencode-'));
  const cwd = join(home, 'work');
  let llm: StubLlm;
  let agent: Agent;

  const start = (): Promise<Agent> => {
    const { command, args, env } = opencodeCommand(home, llm.baseUrl);
    const startAgent = agentStarter({
      ...{ command: [command, ...args].map((word) => `'${word}'`).join(' '), protocol: 'auto', cwd },
      ...{ permissions: 'allow-workdir', startLimitMs: 60_000, idleLimitMs: 60_000, stopGraceMs: 5_000 },
      ...{ env: { ...process.env, ...env }, envNames: Object.keys(env) },
    });
    return startAgent(patience());
  };
  /** Every process that has this home. */
  const processes = () => carriersOf(`HOME=${home}`);

  before(async () => {
    mkdirSync(cwd);
    llm = await startStubLlm();
    agent = await start();
  });
  after(async () => {
    await agent.stop();
    await llm[Symbol.asyncDispose]();
    rmSync(home, { recursive: true });
  });

  it('completes a turn and writes a file that our policy permits', async () => {
    assert.equal(agent.info.name, 'OpenCode');
    const { id } = await agent.startConversation({ cwd });
    const { end, updates } = await runTurn(agent, id, 'WRITE hello.txt hi there');
    assert.deepEqual(end, { outcome: 'completed', text: 'echo: WRITE hello.txt hi there', stopReason: 'end_turn' });
    assert.equal(readFileSync(join(cwd, 'hello.txt'), 'utf8'), 'hi there');
    assert.deepEqual(decisionsIn(updates), ['allowed']);
    assert.ok(updates.some((update) => update.kind === 'tool' && update.status === 'completed'));
  });

  it('writes nothing outside the work directory', async () => {
    const { id } = await agent.startConversation({ cwd });
    const outside = join(home, 'outside.txt');
    const { updates } = await runTurn(agent, id, `WRITE ${outside} hi there`);
    assert.ok(decisionsIn(updates).includes('denied'));
    assert.equal(existsSync(outside), false);
  });

  it('stops when it is cancelled, and serves the next turn', async () => {
    const { id } = await agent.startConversation({ cwd });
    const cancel = new AbortController();
    const onUpdate = ({ kind }: TaskUpdate) => {
      if (kind === 'text') cancel.abort();
    };
    const end = await agent.runTurn({ conversationId: id, prompt: 'HANG', onUpdate }, cancel.signal);
    assert.deepEqual(end, { outcome: 'cancelled' });
    assert.equal((await runTurn(agent, id, 'still there?')).end.outcome, 'completed');
  });

  it('leaves no process behind, and the next one takes up the conversation', async () => {
    const { id } = await agent.startConversation({ cwd });
    assert.equal((await runTurn(agent, id, 'remember this')).end.outcome, 'completed');
    assert.ok(processes().length > 0);
    await agent.stop();
    assert.deepEqual(processes(), []);

    agent = await start();
    assert.deepEqual(await agent.startConversation({ cwd, resume: id }), { id, resumed: true });
    assert.equal((await runTurn(agent, id, 'and now this')).end.outcome, 'completed');
  });
});

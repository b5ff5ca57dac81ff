/** Our driver against an agent that nobody here wrote, with a stub in place of its model: no network, no account. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { TaskUpdate } from '#events/task-update.ts';
import { startAcpAgent } from '#platform/agent/acp.ts';
import { plain } from '#platform/agent/dialect.ts';
import { carriersOf } from '#test/support/processes.ts';
import { opencodeCommand, opencodeProgram } from './opencode.ts';
import { startStubLlm } from './stub-llm.ts';

const skip = existsSync(opencodeProgram) ? false : 'opencode is not installed here: make test-agents';

describe('opencode', { skip }, async () => {
  const llm = await startStubLlm();
  const folder = mkdtempSync(join(tmpdir(), 'opencode-'));
  const cwd = join(folder, 'work');
  mkdirSync(cwd);
  after(async () => {
    await llm[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  /** One process; all of them share the home, as the sessions of one worker do. */
  const start = async () => {
    const { command, args, env } = opencodeCommand(folder, llm.baseUrl);
    const marker = randomUUID();
    const agent = await startAcpAgent(
      {
        process: { command, args, cwd, marker },
        host: { env: { ...process.env, ...env }, envNames: Object.keys(env), stopGraceMs: 5_000 },
        dialect: plain,
        policy: 'allow-workdir',
        limits: { startMs: 60_000, loadMs: 60_000, idleMs: 60_000, cancelGraceMs: 10_000 },
      },
      AbortSignal.timeout(60_000),
    );
    return { agent, marker };
  };

  /** Runs one turn to its end; `onUpdate` sees what comes meanwhile. */
  const turn = async (
    agent: Awaited<ReturnType<typeof start>>['agent'],
    conversationId: string,
    prompt: string,
    signal = AbortSignal.timeout(60_000),
    onUpdate: (update: TaskUpdate) => void = () => undefined,
  ) => {
    const updates: TaskUpdate[] = [];
    const heard = (update: TaskUpdate) => {
      updates.push(update);
      onUpdate(update);
    };
    return { end: await agent.runTurn({ conversationId, prompt, onUpdate: heard }, signal), updates };
  };
  const decisions = (updates: readonly TaskUpdate[]) =>
    updates.flatMap((update) => (update.kind === 'permission' ? [update.decision] : []));

  it('completes a turn and writes a file that our policy permits', async () => {
    const { agent } = await start();
    await using _ = agent;
    assert.equal(agent.info.name, 'OpenCode');
    const { id } = await agent.startConversation({ cwd });
    const { end, updates } = await turn(agent, id, 'WRITE hello.txt hi there');
    assert.deepEqual(end, { outcome: 'completed', text: 'echo: WRITE hello.txt hi there', stopReason: 'end_turn' });
    assert.equal(readFileSync(join(cwd, 'hello.txt'), 'utf8'), 'hi there');
    assert.deepEqual(decisions(updates), ['allowed']);
    assert.ok(updates.some((update) => update.kind === 'tool' && update.status === 'completed'));
  });

  it('writes nothing outside the work directory', async () => {
    const { agent } = await start();
    await using _ = agent;
    const { id } = await agent.startConversation({ cwd });
    const outside = join(folder, 'outside.txt');
    const { updates } = await turn(agent, id, `WRITE ${outside} hi there`);
    assert.ok(decisions(updates).includes('denied'));
    assert.equal(existsSync(outside), false);
  });

  it('stops when it is cancelled, and serves the next turn', async () => {
    const { agent } = await start();
    await using _ = agent;
    const { id } = await agent.startConversation({ cwd });
    const cancel = new AbortController();
    const { end } = await turn(agent, id, 'HANG', cancel.signal, (update) => {
      if (update.kind === 'text') cancel.abort();
    });
    assert.deepEqual(end, { outcome: 'cancelled' });
    assert.equal((await turn(agent, id, 'still there?')).end.outcome, 'completed');
  });

  it('leaves no process behind, and a new one takes up the conversation', async () => {
    const first = await start();
    const { id } = await first.agent.startConversation({ cwd });
    assert.equal((await turn(first.agent, id, 'remember this')).end.outcome, 'completed');
    assert.ok(carriersOf(first.marker).length > 0);
    await first.agent.stop();
    assert.deepEqual(carriersOf(first.marker), []);

    const { agent } = await start();
    await using _ = agent;
    assert.deepEqual(await agent.startConversation({ cwd, resume: id }), { id, resumed: true });
    assert.equal((await turn(agent, id, 'and now this')).end.outcome, 'completed');
  });
});

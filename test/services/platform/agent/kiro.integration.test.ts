// The scripts in `fixtures/` have the shapes that were recorded of Kiro: V2 and stream-json of 2.21.2, V3 of 2.16 and later.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { TaskUpdate } from '#events/task-update.ts';
import { startAcpAgent } from '#platform/agent/acp.ts';
import type { Agent, TurnEnd } from '#platform/agent/agent.ts';
import type { Dialect } from '#platform/agent/dialect.ts';
import { startHeadlessAgent } from '#platform/agent/headless.ts';
import { kiroV2, kiroV3 } from '#platform/agent/kiro.ts';

const cwd = mkdtempSync(join(tmpdir(), 'kiro-wire-'));
after(() => rmSync(cwd, { recursive: true }));
const never = new AbortController().signal;

const replay = (name: string) => ({
  process: {
    command: process.execPath,
    args: [
      join(import.meta.dirname, '../../../support/wire-agent.ts'),
      join(import.meta.dirname, `fixtures/${name}.jsonl`),
    ],
    cwd,
  },
  host: { env: process.env, stopGraceMs: 1_000 },
  limits: { startMs: 10_000, loadMs: 10_000, idleMs: 10_000, cancelGraceMs: 5_000 },
});

const startAcp = (dialect: Dialect, name: string) =>
  startAcpAgent({ ...replay(name), dialect, policy: 'allow-workdir', model: 'claude-sonnet-4.6' }, never);

const turn = async (agent: Agent, conversationId: string, prompt: string) => {
  const updates: TaskUpdate[] = [];
  const end = await agent.runTurn({ conversationId, prompt, onUpdate: (update) => updates.push(update) }, never);
  return { end, updates };
};

/** Cancels the turn at its first update, or at once when it has none. */
const cancelled = async (agent: Agent, conversationId: string, atFirst: boolean): Promise<TurnEnd> => {
  const controller = new AbortController();
  const onUpdate = () => controller.abort('cancelled');
  const ended = agent.runTurn({ conversationId, prompt: 'Take long.', onUpdate }, controller.signal);
  if (!atFirst) onUpdate();
  return ended;
};

test('a session of Kiro V2 is followed as it was recorded', async () => {
  await using agent = await startAcp(kiroV2, 'kiro-v2');
  assert.deepEqual(
    { ...agent.info, pid: 0 },
    { name: 'Kiro CLI Agent', version: '2.21.2', dialect: 'kiro-v2', pid: 0 },
  );
  const { id, resumed } = await agent.startConversation({ cwd });
  assert.equal(resumed, false);
  const { end, updates } = await turn(agent, id, 'Write PONG into pong.txt.');
  assert.deepEqual(end, { outcome: 'completed', text: 'Writing. DONE', stopReason: 'end_turn' });
  const pong = { toolCallId: 'tooluse_Kq0Y8IgVLtsqoYaWoJ3gov', paths: [join(cwd, 'pong.txt')] };
  const config = { toolCallId: 'tooluse_AVuZnydMpvWtehzXWRN3Pb', paths: ['~/.ssh/config'] };
  assert.deepEqual(updates, [
    { kind: 'notice', text: 'the agent writes lines that are no messages' },
    { kind: 'text', text: 'I will write ' },
    { kind: 'notice', text: 'Still working, model is thinking...' },
    { kind: 'notice', text: 'the agent took back its last 13 characters and begins anew' },
    { kind: 'text', text: 'Writing. ' },
    { kind: 'tool', toolCallId: pong.toolCallId, title: 'write', tool: 'edit', status: 'pending' },
    { kind: 'usage', contextPercent: 5 },
    { kind: 'tool', ...pong, title: 'Creating pong.txt', tool: 'edit', status: 'pending' },
    { kind: 'permission', title: 'Creating pong.txt', decision: 'allowed', reason: 'inside the work directory' },
    { kind: 'tool', ...pong, title: 'Creating pong.txt', tool: 'edit', status: 'completed' },
    { kind: 'tool', ...config, title: 'Reading ~/.ssh/config:1', tool: 'read', status: 'pending' },
    {
      kind: 'permission',
      title: 'Reading ~/.ssh/config:1',
      decision: 'denied',
      reason: '~/.ssh/config is outside the work directory',
    },
    { kind: 'tool', ...config, title: 'Reading ~/.ssh/config:1', tool: 'read', status: 'failed' },
    { kind: 'notice', text: 'the agent sent an update of an unknown kind: hologram' },
    { kind: 'text', text: 'DO' },
    { kind: 'text', text: 'NE' },
    { kind: 'usage', contextPercent: 5.01 },
    { kind: 'usage', contextPercent: 5.01, credits: 0.024745, agentMs: 2354 },
  ]);
  assert.deepEqual(await cancelled(agent, id, true), { outcome: 'cancelled' });
  assert.deepEqual((await agent.stop()).stages, ['sigterm']);
});

test('a session of Kiro V3 is followed as it was recorded', async () => {
  await using agent = await startAcp(kiroV3, 'kiro-v3');
  const { id } = await agent.startConversation({ cwd });
  const { end, updates } = await turn(agent, id, 'Run the shell command `true` and tell me it worked.');
  assert.deepEqual(end, { outcome: 'completed', text: 'It worked. (after turn_end)', stopReason: 'end_turn' });
  const command = {
    kind: 'tool',
    toolCallId: 'run_command_toolu_bdrk_01Wmrfwj4TBcC9LqKeAkdCt8',
    tool: 'execute',
  } as const;
  assert.deepEqual(updates, [
    { kind: 'usage', contextPercent: 2.74 },
    { ...command, title: 'Run Command', status: 'pending' },
    { kind: 'permission', title: 'true', decision: 'allowed', reason: 'it starts in the work directory' },
    { ...command, title: 'Run Command', status: 'in_progress' },
    { ...command, title: 'Run Command', status: 'completed', detail: '{"output":"","exitCode":0}' },
    {
      kind: 'permission',
      title: 'Write File',
      decision: 'denied',
      reason: '../summary.txt is outside the work directory',
    },
    { kind: 'notice', text: 'the agent sent an update of an unknown kind: hologram' },
    { kind: 'text', text: 'It' },
    { kind: 'text', text: ' worked.' },
    { kind: 'usage', contextPercent: 3.27 },
    { kind: 'usage', credits: 0.36962, agentMs: 10048 },
    { kind: 'text', text: ' (after turn_end)' },
  ]);
  assert.deepEqual(await cancelled(agent, id, false), { outcome: 'cancelled' });
});

const startHeadless = (name: string) => startHeadlessAgent({ ...replay(name), policy: 'allow-all' });

test('a headless run of Kiro is followed as it was recorded, and its answer is what was streamed', async () => {
  await using agent = startHeadless('stream-json');
  const { id } = await agent.startConversation({ cwd });
  const { end, updates } = await turn(agent, id, 'Read probe.txt and say PONG.');
  assert.deepEqual(end, { outcome: 'completed', text: 'PONG', stopReason: 'end_turn' });
  const read = { kind: 'tool', toolCallId: 'tooluse_1', title: 'Reading probe.txt:1', tool: 'read' } as const;
  assert.deepEqual(updates, [
    { kind: 'usage', contextPercent: 2.42 },
    { ...read, status: 'pending', paths: [join(cwd, 'probe.txt')] },
    { ...read, status: 'completed', paths: [join(cwd, 'probe.txt')] },
    { kind: 'notice', text: 'the agent sent an update of an unknown kind: hologram' },
    { kind: 'text', text: 'P' },
    { kind: 'text', text: 'ONG' },
    { kind: 'usage', contextPercent: 1.33 },
    { kind: 'usage', contextPercent: 1.33, credits: 0.042488, agentMs: 1616 },
  ]);
  assert.deepEqual(await agent.stop(), { stages: [], durationMs: 0 });
  assert.deepEqual(await agent.exited, { outcome: 'stopped' });
});

test('a headless run that reports an error has failed with its words', async () => {
  await using agent = startHeadless('stream-json-error');
  const { end } = await turn(agent, (await agent.startConversation({ cwd })).id, 'x');
  assert.equal(end.outcome, 'failed');
  assert.equal(end.error.message, 'the agent reported an error: The service is not available.');
});

test('a headless run that exits with 0 and does not say that it succeeded has failed', async () => {
  await using agent = startHeadless('stream-json-silent');
  const { end } = await turn(agent, (await agent.startConversation({ cwd })).id, 'x');
  assert.equal(end.outcome, 'failed');
  assert.equal(end.error.message, 'the agent exited with code 0 without saying that it succeeded');
});

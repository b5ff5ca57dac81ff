import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { AgentUnavailable } from '#platform/agent/agent.ts';
import type { Agent } from '#platform/agent/agent.ts';
import { carriersOf } from '#test/support/processes.ts';
import {
  asked,
  ended,
  hello,
  messageOf,
  never,
  opened,
  played,
  request,
  root,
  start,
  startProgram,
  update,
} from './scripted-agent.ts';

describe('a conversation', () => {
  const resume = 'earlier';

  it('is taken up again, and its replay is no part of the next turn', async () => {
    const replayed = update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'old' } }, resume);
    const now = update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'new' } }, resume);
    const loaded = { answer: 'session/load', result: {} };
    const load = { hear: 'session/load', params: { sessionId: resume, cwd: root, mcpServers: [] } };
    await using agent = await start([hello, load, replayed, loaded, asked, now, ended()]);
    assert.deepEqual(await agent.startConversation({ cwd: root, resume }), { id: resume, resumed: true });
    const end = await agent.runTurn({ conversationId: resume, prompt: 'x', onUpdate: () => undefined }, never);
    assert.deepEqual(end, { outcome: 'completed', text: 'new', stopReason: 'end_turn' });
  });

  it('begins anew when the agent does not know it, or cannot load any', async () => {
    const unknown = { say: { jsonrpc: '2.0', id: 1, error: { code: -32002, message: 'Resource not found' } } };
    await using agent = await start([hello, { hear: 'session/load' }, unknown, opened]);
    assert.deepEqual(await agent.startConversation({ cwd: root, resume }), { id: 's', resumed: false });
    await using other = await start([{ hear: 'initialize', result: { protocolVersion: 1 } }, opened]);
    assert.deepEqual(await other.startConversation({ cwd: root, resume }), { id: 's', resumed: false });
  });

  it('begins anew when the agent says nothing to it for ever', async () => {
    await using agent = await start([hello, { hear: 'session/load' }, opened], { limits: { loadMs: 200 } });
    assert.deepEqual(await agent.startConversation({ cwd: root, resume }), { id: 's', resumed: false });
  });

  it('has as long to be replayed as it keeps coming', async () => {
    const slow = Array.from({ length: 4 }, () => [
      { pause: 150 },
      update({ sessionUpdate: 'user_message_chunk' }, resume),
    ]);
    const steps = [hello, { hear: 'session/load' }, ...slow.flat(), { answer: 'session/load', result: {} }];
    await using agent = await start(steps, { limits: { loadMs: 450 } });
    assert.deepEqual(await agent.startConversation({ cwd: root, resume }), { id: resume, resumed: true });
  });

  it('begins anew in a new process when the agent exits over it, and that is not the end of the agent', async () => {
    const mark = join(root, 'was-here');
    const script = `read -r a; echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"agentCapabilities":{"loadSession":true}}}'
      [ -e ${mark} ] || { touch ${mark}; read -r b; exit 0; }
      read -r b; echo '{"jsonrpc":"2.0","id":1,"result":{"sessionId":"s"}}'; read -r c`;
    await using agent = await startProgram('sh', ['-c', script], {});
    const { pid } = agent.info;
    assert.deepEqual(await agent.startConversation({ cwd: root, resume }), { id: 's', resumed: false });
    assert.notEqual(agent.info.pid, pid);
    assert.equal(await Promise.race([agent.exited, setImmediate('running')]), 'running');
  });

  it('that the agent refuses is told as an agent that cannot be had', async () => {
    const refusal = { say: { jsonrpc: '2.0', id: 1, error: { code: -32000, message: 'Authentication required' } } };
    await using agent = await start([hello, { hear: 'session/new' }, refusal]);
    await assert.rejects(agent.startConversation({ cwd: root }), (fault: unknown) => {
      assert.ok(fault instanceof AgentUnavailable);
      assert.equal(fault.message, 'the agent refused a session: Authentication required');
      assert.match(fault.remedy, /^Sign the agent in/);
      return true;
    });
  });
});

describe('an agent that cannot be had', () => {
  const refusedWith = async (starting: Promise<Agent>, message: RegExp) => {
    await assert.rejects(starting, (fault: unknown) => {
      assert.ok(fault instanceof AgentUnavailable, String(fault));
      assert.match(fault.message, message);
      return true;
    });
  };

  it('is told by what is wrong with it: missing, silent, gone, or no agent at all', async () => {
    await refusedWith(startProgram('no-such-program', [], {}), /^no-such-program is not installed$/);
    await refusedWith(
      startProgram('sleep', ['1000'], { limits: { startMs: 200 } }),
      /^sleep did not answer within 0.2 s$/,
    );
    await refusedWith(
      startProgram('sh', ['-c', 'echo no licence >&2; exit 4'], {}),
      /^sh exited with code 4: no licence$/,
    );
    const answer = { hear: 'initialize', result: { protocolVersion: 7 } };
    await refusedWith(start([answer]), / does not speak version 1 of ACP$/);
    const error = {
      say: { jsonrpc: '2.0', id: 0, error: { code: -32603, message: 'Internal error', data: 'no home' } },
    };
    await refusedWith(start([{ hear: 'initialize' }, error]), / refused to start: Internal error: no home$/);
  });

  it('leaves no process behind', async () => {
    const tag = 'never-came-up';
    await refusedWith(
      startProgram('sh', ['-c', 'setsid sleep 1000'], { limits: { startMs: 200 }, tag }),
      /did not answer/,
    );
    assert.deepEqual(carriersOf(tag), []);
  });
});

describe('an agent that uses our files', () => {
  const cwd = join(root, 'work');
  const outside = join(root, 'outside.txt');
  mkdirSync(cwd);
  writeFileSync(outside, 'not yours');
  writeFileSync(join(cwd, 'in.txt'), 'one\ntwo\nthree\n');
  symlinkSync(outside, join(cwd, 'link'));
  symlinkSync(root, join(cwd, 'up'));
  symlinkSync(join(root, 'not-yet'), join(cwd, 'dangling'));
  const read = (id: number, path: string, range = {}) =>
    request(id, 'fs/read_text_file', { sessionId: 's', path, ...range });
  const write = (id: number, path: string) =>
    request(id, 'fs/write_text_file', { sessionId: 's', path, content: 'written' });

  it('is served inside its work directory', async () => {
    const { end } = await played(
      [
        read(1, join(cwd, 'in.txt')),
        { hearAnswer: 1, result: { content: 'one\ntwo\nthree\n' } },
        read(2, join(cwd, 'in.txt'), { line: 2, limit: 1 }),
        { hearAnswer: 2, result: { content: 'two' } },
        write(3, join(cwd, 'new/deep.txt')),
        { hearAnswer: 3, result: {} },
        ended(),
      ],
      {},
      cwd,
    );
    assert.equal(end.outcome, 'completed');
    assert.equal(readFileSync(join(cwd, 'new/deep.txt'), 'utf8'), 'written');
  });

  it('is refused outside of it, by whatever way, and whatever the policy', async () => {
    const places = [
      outside,
      join(cwd, 'link'),
      join(cwd, 'up/outside.txt'),
      join(cwd, '../outside.txt'),
      '/proc/self/environ',
    ];
    for (const policy of ['allow-workdir', 'allow-all', 'deny-all'] as const) {
      const tries = places.flatMap((path, index) => [
        read(index, path),
        { hearAnswer: index, error: -32602 },
        write(index + 100, path),
        { hearAnswer: index + 100, error: -32602 },
      ]);
      const dangling = [write(50, join(cwd, 'dangling')), { hearAnswer: 50, error: -32602 }];
      const { end } = await played([...tries, ...dangling, ended()], { policy }, cwd);
      assert.equal(end.outcome, 'completed', messageOf(end));
    }
    assert.equal(readFileSync(outside, 'utf8'), 'not yours');
    assert.equal(existsSync(join(root, 'not-yet')), false);
  });
});

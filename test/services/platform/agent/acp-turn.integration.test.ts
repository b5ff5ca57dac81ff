import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TaskUpdate } from '#events/task-update.ts';
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
  text,
  turn,
  update,
} from './scripted-agent.ts';

describe('a turn', () => {
  it('ends with all that was said, in order, although the answer follows on the heels of the last chunk', async () => {
    const said = Array.from({ length: 200 }, (_, index) => `${index} `);
    const { end } = await played([...said.map(text), ended()]);
    assert.deepEqual(end, { outcome: 'completed', text: said.join(''), stopReason: 'end_turn' });
  });

  it('is over with the answer to its prompt: what comes in the same breath behind it is no part of it', async () => {
    const behind = text('too late').say;
    const answer = { jsonrpc: '2.0', id: 2, result: { stopReason: 'end_turn' } };
    const breath = [answer, behind, behind].map((message) => JSON.stringify(message)).join('\n');
    const { end, updates } = await played([text('in time'), { noise: breath }]);
    assert.deepEqual(end, { outcome: 'completed', text: 'in time', stopReason: 'end_turn' });
    assert.deepEqual(updates, [{ kind: 'text', text: 'in time' }]);
  });

  it('is completed when it was cut short, and has failed for good when it was refused', async () => {
    for (const stopReason of ['max_tokens', 'max_turn_requests']) {
      assert.deepEqual((await played([text('so far'), ended(stopReason)])).end, {
        outcome: 'completed',
        text: 'so far',
        stopReason,
      });
    }
    const { end } = await played([ended('refusal')]);
    assert.equal(end.outcome, 'failed');
    assert.deepEqual([end.error.class, end.error.retryable, end.reusable], ['agent-failed', false, true]);
  });

  it('has failed when its end cannot be understood', async () => {
    assert.match(messageOf((await played([ended('bored')])).end), /a reason we do not know: bored$/);
    assert.match(messageOf((await played([ended('cancelled')])).end), /cancelled the turn by itself$/);
    const answer = { answer: 'session/prompt', result: null };
    assert.match(messageOf((await played([answer])).end), /without saying why$/);
  });

  it('tells the error of the agent in its own words', async () => {
    const error = { code: -32603, message: 'Internal error', data: 'The stream timed out' };
    const { end } = await played([{ say: { jsonrpc: '2.0', id: 2, error } }]);
    assert.equal(messageOf(end), 'the agent reported an error: Internal error: The stream timed out');
    const signIn = { say: { jsonrpc: '2.0', id: 2, error: { code: -32000, message: 'Authentication required' } } };
    const { end: unsigned } = await played([signIn]);
    assert.equal(unsigned.outcome, 'failed');
    assert.equal(unsigned.error.class, 'agent-unavailable');
  });

  it('has failed within a second when the agent exits, although its child holds the output open', async () => {
    const script = `read -r a; echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1}}'
      read -r b; echo '{"jsonrpc":"2.0","id":1,"result":{"sessionId":"s"}}'; read -r c
      setsid sleep 1000 & echo out of luck >&2; exit 3`;
    const agent = await startProgram('sh', ['-c', script], { tag: 'child-holds-output' });
    const startedAt = Date.now();
    const { end } = await turn(agent);
    assert.ok(Date.now() - startedAt < 1_000, `took ${Date.now() - startedAt} ms`);
    assert.deepEqual(
      [messageOf(end), end.outcome === 'failed' && end.reusable],
      ['the agent exited with code 3: out of luck', false],
    );
    assert.deepEqual(await agent.exited, { outcome: 'exited', code: 3 });
    await agent.stop();
    assert.deepEqual(carriersOf('child-holds-output'), []);
  });

  it('has failed after a silence, and every sign of life puts that off', async () => {
    const slow = Array.from({ length: 5 }, () => [{ pause: 200 }, text('.')]).flat();
    const { end, updates } = await played([...slow, { pause: 60_000 }], { limits: { idleMs: 600 } });
    assert.equal(messageOf(end), 'the agent gave no sign of life for 0.6 s');
    assert.equal(updates.length, 5);
  });

  it('is not confused by noise, wrong ids, early and doubled answers, and messages that are no messages', async () => {
    const answer = (id: unknown, stopReason: string) => ({ say: { jsonrpc: '2.0', id, result: { stopReason } } });
    const { end, updates } = await played([
      ...['', 'plain', '{', '[]', '{"a":1}', 'null', '{"jsonrpc":"2.0"}', '\u001b[2J', '{"jsonrpc":"2.0","id":7}'].map(
        (noise) => ({ noise }),
      ),
      answer(99, 'refusal'),
      answer('2', 'refusal'),
      answer(3, 'refusal'),
      { noise: `{"jsonrpc":"2.0","method":"session/update","params":${'['.repeat(20_000)}${']'.repeat(20_000)}}` },
      {
        noise:
          '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"__proto__":{"polluted":1}}}}',
      },
      update({ sessionUpdate: 'constructor' }),
      update({ sessionUpdate: 'agent_message_chunk', content: 5 }),
      text('fine'),
      ended(),
      answer(2, 'refusal'),
    ]);
    assert.deepEqual(end, { outcome: 'completed', text: 'fine', stopReason: 'end_turn' });
    assert.deepEqual(updates.at(-1), { kind: 'text', text: 'fine' });
    assert.equal('polluted' in {}, false);
  });

  it('answers what it does not know with -32601, whatever the id', async () => {
    const { end } = await played([
      request('a-b-c', '_kiro/hooks/list', {}),
      { hearAnswer: 'a-b-c', error: -32601 },
      request(0, 'terminal/create', { sessionId: 's', command: 'id' }),
      { hearAnswer: 0, error: -32601 },
      ended(),
    ]);
    assert.equal(end.outcome, 'completed');
  });

  it('counts what the agent reports of its tokens', async () => {
    const result = { stopReason: 'end_turn', usage: { inputTokens: 12, outputTokens: 3, totalTokens: 15 } };
    const used = update({ sessionUpdate: 'usage_update', used: 500, size: 2_000 });
    const { updates } = await played([used, { answer: 'session/prompt', result }]);
    assert.deepEqual(updates, [
      { kind: 'usage', contextPercent: 25 },
      { kind: 'usage', inputTokens: 12, outputTokens: 3 },
    ]);
  });
});

describe('a cancelled turn', () => {
  it('never began when it was cancelled before', async () => {
    await using agent = await start([hello, opened]);
    assert.deepEqual((await turn(agent, AbortSignal.abort('before'))).end, { outcome: 'cancelled' });
  });

  it('leaves the process for the next turn when the agent ends it, and late words are not heard', async () => {
    const steps = [hello, opened, asked, { hear: 'session/cancel' }, text('late'), ended('cancelled'), text('later')];
    await using agent = await start([...steps, asked, text('next'), ended()]);
    const { id } = await agent.startConversation({ cwd: root });
    const updates: TaskUpdate[] = [];
    const controller = new AbortController();
    const first = agent.runTurn(
      { conversationId: id, prompt: 'a', onUpdate: (u) => updates.push(u) },
      controller.signal,
    );
    controller.abort('enough');
    assert.deepEqual(await first, { outcome: 'cancelled' });
    const heard = updates.length;
    const second = await agent.runTurn({ conversationId: id, prompt: 'b', onUpdate: () => undefined }, never);
    assert.equal(second.outcome, 'completed');
    assert.equal(updates.length, heard);
  });

  it('ends with the process stopped when the agent does not hear, and says by which signals', async () => {
    const agent = await start([hello, opened, asked, text('begun')], { tag: 'hears-no-cancel' });
    const { end, updates } = await turn(agent, AbortSignal.timeout(150));
    assert.deepEqual(end, { outcome: 'cancelled' });
    const told = 'the agent did not end its turn when it was cancelled, and was ended by SIGTERM';
    assert.deepEqual(updates.at(-1), { kind: 'notice', text: told });
    assert.deepEqual(await agent.exited, { outcome: 'stopped' });
    assert.deepEqual((await agent.stop()).stages, ['cancel', 'sigterm']);
    assert.deepEqual(carriersOf('hears-no-cancel'), []);
  });

  it('is cancelled by a stop as well', async () => {
    const agent = await start([hello, opened, asked, { hear: 'session/cancel' }, ended('cancelled')]);
    const { id } = await agent.startConversation({ cwd: root });
    const running = agent.runTurn({ conversationId: id, prompt: 'a', onUpdate: () => undefined }, never);
    const { stages } = await agent.stop();
    assert.deepEqual(stages, ['cancel', 'sigterm']);
    assert.deepEqual(await running, { outcome: 'cancelled' });
  });
});

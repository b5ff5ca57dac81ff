/** Each rule is broken as the table says, and no other. */
import assert from 'node:assert/strict';
import { until } from '#test/support/processes.ts';
import { playsOf } from '../play.ts';

const { plays } = playsOf('protocol');

plays('invalid-json', 'lines that no parser takes, and an honest turn around them', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  assert.ok(client.stdout.includes("\n{'jsonrpc':'2.0'}\n") && client.stdout.includes('\nWARN this'));
});

plays(
  'deep-json',
  'as deep as asked for',
  async ({ client, turn }) => {
    assert.equal(await turn(), 'end_turn');
    assert.ok(client.stdout.includes('['.repeat(500)));
    assert.equal(client.stdout.includes('['.repeat(502)), false);
  },
  { amount: 500 },
);

plays('duplicate-keys', 'two names for one field', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  assert.ok(client.stdout.includes('"sessionUpdate":"plan","sessionUpdate":"agent_message_chunk"'));
});

plays('proto-keys', 'the names stand in the bytes', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  assert.ok(client.stdout.includes('"__proto__":{"polluted":true},"constructor":{"prototype"'));
});

plays('huge-numbers', 'figures that no counter can hold', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  for (const figure of ['18446744073709551616', '1e400', '-5', '9007199254740993']) {
    assert.ok(client.stdout.includes(figure), figure);
  }
});

plays('unknown-method', 'it asks and tells how it was answered', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  assert.match(client.text(), /The unknown method was answered with -32601/);
  assert.ok(client.updates.some((update) => update.sessionUpdate === 'hologram'));
});

plays('wrong-id', 'the answer goes to nobody', async ({ client, turn }) => {
  const end = turn();
  const stray = () => client.messages.find(({ id }) => typeof id === 'number' && id > 1000);
  await until(() => stray() !== undefined, 'no stray answer');
  process.kill(client.pid, 'SIGTERM');
  await assert.rejects(end, /the agent is gone/);
});

plays('duplicate-response', 'a second answer follows the first', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  await until(() => client.messages.some(({ error }) => error?.code === -32603), 'no second answer');
  await until(() => client.text().endsWith('This comes after the end. '), 'no text after the end');
});

plays('reply-after-cancel', 'it talks and answers on after it was cancelled', async ({ client, sessionId, turn }) => {
  const end = turn();
  await until(() => client.updates.some((update) => update.sessionUpdate === 'tool_call_update'), 'no tool call');
  client.notify('session/cancel', { sessionId });
  assert.equal(await end, 'cancelled');
  await until(() => client.text().endsWith('This comes after the cancel. '), 'no text after the cancel');
  const answers = () => client.messages.filter(({ id, method }) => id === 3 && method === undefined);
  await until(() => answers().length === 2, 'no second answer');
});

plays('result-before-request', 'answers to requests that come later', async ({ client }) => {
  const early = client.messages.findIndex(({ id }) => id === 3);
  const hello = client.messages.findIndex(({ id }) => id === 1);
  assert.ok(early >= 0 && early < hello);
});

/** The agent hangs where the table says, and ends as it says. */
import assert from 'node:assert/strict';
import { until } from '#test/support/processes.ts';
import { playsOf } from '../play.ts';
import type { RawClient } from '../raw-client.ts';

const { plays, playsFromStart } = playsOf('hang');

/** An answer to another request shows that it lives and that all before it has been heard. */
const isAlive = async (client: RawClient): Promise<void> => {
  assert.equal((await client.request('session/list', {})).error?.code, -32601);
};
const endsBy = async (client: RawClient, signal: NodeJS.Signals, open: Promise<unknown>): Promise<void> => {
  const gone = assert.rejects(open, /the agent is gone/);
  process.kill(client.pid, signal);
  await gone;
  assert.equal(await client.exit, signal);
};

playsFromStart('hangs-before-hello', 'initialize stays without an answer, and SIGTERM ends it', async (client) => {
  const opening = client.open();
  await isAlive(client);
  assert.equal(client.messages.length, 1);
  await endsBy(client, 'SIGTERM', opening);
});

plays('hangs-silent', 'it does not hear a cancel, and SIGTERM ends it', async ({ client, sessionId, turn }) => {
  const end = turn();
  client.notify('session/cancel', { sessionId });
  await isAlive(client);
  await isAlive(client);
  assert.deepEqual(client.updates, []);
  await endsBy(client, 'SIGTERM', end);
});

plays(
  'hangs-heart-beating',
  'thoughts keep coming after a cancel',
  async ({ client, sessionId, turn }) => {
    const end = turn();
    client.notify('session/cancel', { sessionId });
    await isAlive(client);
    const before = client.updates.length;
    await until(() => client.updates.length > before + 2, 'no thoughts');
    assert.match(client.text('agent_thought_chunk'), /^(still thinking\n)+$/);
    await endsBy(client, 'SIGTERM', end);
  },
  { amount: 10 },
);

plays('ignores-sigterm', 'it outlives SIGTERM and the end of its input', async ({ client, turn }) => {
  const end = turn();
  await isAlive(client);
  await isAlive(client);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(client.pid, signal);
  await isAlive(client);
  client.endInput();
  await until(() => client.stderrBytes > 0, 'it does not notice the end of its input');
  assert.deepEqual(client.processes(), [client.pid]);
  await endsBy(client, 'SIGKILL', end);
});

plays('ignores-stdin-close', 'it answers, outlives its input, and obeys SIGTERM', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  client.endInput();
  await until(() => client.stderrBytes > 0, 'it does not notice the end of its input');
  assert.deepEqual(client.processes(), [client.pid]);
  await endsBy(client, 'SIGTERM', Promise.reject(new Error('the agent is gone')));
});

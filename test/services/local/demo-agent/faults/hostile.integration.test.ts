/** The agent is as bad as the table says. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { until } from '#test/support/processes.ts';
import { playsOf } from '../play.ts';

const { plays } = playsOf('hostile');

const canary = 'kd_canary/9f$ü';
plays(
  'leaks-canary',
  'plain, encoded and in halves, in text, thought, plan, tool call and file',
  async ({ client, turn }) => {
    assert.equal(await turn(), 'end_turn');
    const bytes = Buffer.from(canary);
    const forms = [
      canary,
      bytes.toString('base64'),
      Buffer.from(`x${canary}`).toString('base64'),
      Buffer.from(`xx${canary}`).toString('base64'),
      bytes.toString('hex'),
      encodeURIComponent('$'),
      '\\u006b\\u0064',
    ];
    for (const sink of ['agent_message_chunk', 'agent_thought_chunk']) {
      for (const form of forms) assert.ok(client.text(sink).includes(form), `${sink} lacks ${form}`);
    }
    const said = (kind: string) => JSON.stringify(client.updates.filter((update) => update.sessionUpdate === kind));
    for (const kind of ['plan', 'tool_call']) assert.ok(said(kind).includes(canary), kind);
    assert.ok(readFileSync(join(client.cwd, 'leak.txt'), 'utf8').includes(canary));
    await until(() => client.stderrBytes > canary.length, 'nothing on stderr');
  },
  { env: { CANARY: canary } },
);

plays('prompt-injection', 'orders to everybody', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  for (const part of ['IGNORE ALL PREVIOUS', '<script>', '::set-output', '\u202e', '"event":"task.failed"']) {
    assert.ok(client.text().includes(part), part);
  }
});

plays(
  'asks-for-everything',
  'it lists what it was given and what not',
  async ({ client, turn }) => {
    assert.equal(await turn(), 'end_turn');
    assert.match(client.text(), /allowed: inside: edit\nrefused: inside: read\nallowed: outside: absolute\n/);
    assert.equal(client.text().match(/^(allowed|refused): /gm)?.length, 21);
  },
  { permit: (params) => (JSON.stringify(params).includes('"edit"') ? 'allow_once' : 'reject_once') },
);

plays(
  'burns-cpu',
  'for as long as asked, it hears nothing',
  async ({ client, turn, sessionId }) => {
    const startedAt = performance.now();
    const end = turn();
    client.notify('session/cancel', { sessionId });
    assert.equal(await end, 'cancelled');
    assert.ok(performance.now() - startedAt > 950);
  },
  { amount: 1 },
);

plays(
  'takes-memory',
  'it is resident',
  async ({ client, turn }) => {
    assert.equal(await turn(), 'end_turn');
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${client.pid}/status`, 'utf8')) ?? [];
    assert.ok(Number(kibibytes) > 128 * 1024, `${kibibytes}`);
  },
  { amount: 128 },
);

plays(
  'takes-descriptors',
  'they are open',
  async ({ client, turn }) => {
    assert.equal(await turn(), 'end_turn');
    assert.ok(readdirSync(`/proc/${client.pid}/fd`).length > 300);
    assert.match(client.text(), /I hold 300 files open/);
  },
  { amount: 300 },
);

plays('keeps-socket', 'the agent is gone, its child listens and holds stdout', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  assert.equal(await client.exit, 0);
  const port = Number(readFileSync(join(client.cwd, 'socket-port.txt'), 'utf8'));
  const socket = createConnection(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  assert.equal(client.processes().length, 1);
});

plays('changes-clock', 'times that cannot be', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  assert.ok(client.updates.some(({ updatedAt }) => updatedAt === '+275760-09-13T00:00:00.000Z'));
  assert.ok(client.messages.some(({ params }) => params?.['turnDurationMs'] === -86_400_000));
  assert.equal(statSync(join(client.cwd, 'from-the-future.txt')).mtime.getUTCFullYear(), 2100);
});

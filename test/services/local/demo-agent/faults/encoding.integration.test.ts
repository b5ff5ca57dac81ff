/** The bytes that the table promises are the bytes that are written. */
import assert from 'node:assert/strict';
import { until } from '#test/support/processes.ts';
import { playsOf } from '../play.ts';
import type { RawClient } from '../raw-client.ts';

const { plays, playsFromStart } = playsOf('encoding');

const has = (client: RawClient, bytes: readonly number[] | string) => client.stdout.includes(Buffer.from(bytes));

plays('invalid-utf8', 'the bytes arrive as they are', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  assert.ok(has(client, [0x80, 0x20, 0xc0, 0xaf, 0x20, 0xed, 0xa0, 0x80, 0x20, 0xff]));
  assert.match(client.text(), /\ufffd/);
});

plays('lone-surrogates', 'the parsed text is not well-formed', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  assert.ok(has(client, 'high \\ud83e low'));
  assert.equal(client.text().isWellFormed(), false);
});

plays('nul-bytes', 'escaped and bare', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  assert.match(client.text(), /escaped \0 NUL/);
  assert.ok(has(client, [0, 0, 10]) && has(client, 'bare \0 NUL'));
});

plays('splits-multi-byte', 'the halves make a whole', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  assert.match(client.text(), /a whole 🦊 fox/);
});

plays('crlf', 'lines end with CR LF', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  assert.ok(has(client, '}\r\n\r\n{'));
  assert.match(client.text(), /one line and another/);
});

playsFromStart('bom', 'the output begins with the mark', async (client) => {
  // A parser of JSON takes the mark for noise, so this client never hears the hello.
  client.write('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n');
  await until(() => client.stdout.includes('agentInfo'), 'no hello');
  assert.deepEqual([...client.stdout.subarray(0, 4)], [0xef, 0xbb, 0xbf, 0x7b]);
});

plays('ansi-osc', 'escapes arrive in the text', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  for (const escape of ['\u001b[31m', '\u001b[2J', '\u001b]0;', '\u001b]8;;', '\u001b]52;', '\u009b31m']) {
    assert.ok(client.text().includes(escape), JSON.stringify(escape));
  }
});

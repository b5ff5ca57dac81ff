/** As much output as asked for, and an honest end. */
import assert from 'node:assert/strict';
import { until } from '#test/support/processes.ts';
import { playsOf } from '../play.ts';

const { plays } = playsOf('output');

const mebibyte = 1024 * 1024;

for (const name of ['floods-lines', 'floods-one-line', 'floods-random', 'floods-updates']) {
  plays(
    name,
    'that much on stdout, and then the honest end',
    async ({ client, turn }) => {
      assert.equal(await turn(), 'end_turn');
      assert.ok(client.stdoutBytes > 2 * mebibyte && client.stdoutBytes < 3.5 * mebibyte, `${client.stdoutBytes}`);
    },
    { amount: 2 },
  );
}

plays(
  'floods-stderr',
  'that much on stderr',
  async ({ client, turn }) => {
    assert.equal(await turn(), 'end_turn');
    await until(() => client.stderrBytes === 2 * mebibyte, 'too little on stderr');
    assert.ok(client.stdoutBytes < 10_000);
  },
  { amount: 2 },
);

plays(
  'interleaves',
  'whole chunks between noise on stderr',
  async ({ client, turn }) => {
    assert.equal(await turn(), 'end_turn');
    assert.match(client.text(), /chunk 1 of 20\n[^]*chunk 20 of 20\n/);
    await until(() => client.stderrBytes > 20 * '{"jsonrpc":"2.0",'.length, 'no noise on stderr');
  },
  { amount: 20 },
);

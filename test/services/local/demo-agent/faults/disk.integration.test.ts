/** The work directory looks as the table says. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { playsOf } from '../play.ts';
import { RawClient, temporaryFolder } from '../raw-client.ts';

const { plays } = playsOf('disk');

plays(
  'fills-disk',
  'a file of that size',
  async ({ client, turn }) => {
    assert.equal(await turn(), 'end_turn');
    assert.equal(statSync(join(client.cwd, 'filler')).size, 8 * 1024 * 1024);
    assert.match(client.text(), /I made 2 blocks of 4 MiB/);
  },
  { amount: 8 },
);

plays(
  'fills-inodes',
  'that many files',
  async ({ client, turn }) => {
    assert.equal(await turn(), 'end_turn');
    assert.equal(readdirSync(join(client.cwd, 'inodes')).length, 100);
  },
  { amount: 100 },
);

plays('symlink-loops', 'links that lead nowhere, round and out', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  for (const name of ['self', 'ping', 'pong', 'here', 'up', 'root', 'secrets']) {
    assert.ok(lstatSync(join(client.cwd, 'links', name)).isSymbolicLink(), name);
  }
  assert.throws(() => statSync(join(client.cwd, 'links/ping')), { code: 'ELOOP' });
});

plays('deletes-work-tree', 'the work directory is gone', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  assert.equal(existsSync(client.cwd), false);
});

it('deletes-work-tree: leaves alone what is neither temporary nor our own', async () => {
  using home = temporaryFolder();
  using precious = temporaryFolder();
  const env = { TMPDIR: home.path };
  await using client = new RawClient({ home: home.path, env, args: ['--behave=deletes-work-tree'] });
  await client.open();
  const { result } = await client.request('session/new', { cwd: precious.path, mcpServers: [] });
  assert.ok(typeof result === 'object' && result !== null && 'sessionId' in result);
  assert.equal(await client.prompt(String(result.sessionId), 'reverse abc'), 'end_turn');
  assert.match(client.text(), /so I left it/);
  assert.ok(existsSync(precious.path));
});

plays('changes-git', 'whoever trusts the repository runs its programs', async ({ client, turn }) => {
  execFileSync('git', ['init', '-q', client.cwd]);
  assert.equal(await turn(), 'end_turn');
  const fooled = join(client.cwd, 'git-was-fooled');
  assert.equal(existsSync(fooled), false);
  execFileSync('git', ['-C', client.cwd, 'status'], { stdio: 'ignore' });
  assert.ok(existsSync(fooled));
  assert.match(readFileSync(join(client.cwd, '.git/HEAD'), 'utf8'), /somewhere-else/);
});

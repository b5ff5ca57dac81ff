import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { CommandFault, exitCodes } from '../../../services/cli/exit.ts';
import { readSettings } from '../../../services/cli/settings.ts';
import type { Flags } from '../../../services/cli/settings.ts';

void suite('which service, with which key', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kiro-dispatch-cli-'));
    await writeFile(join(directory, 'admin.key'), 'the-admin-key\n');
  });
  after(() => rm(directory, { recursive: true }));

  const read = async (flags: Flags, env: NodeJS.ProcessEnv) => {
    const told: string[] = [];
    const { url, key } = await readSettings(flags, env, (text) => told.push(text));
    return { url: url.href, key, told };
  };
  const refused = (flags: Flags, env: NodeJS.ProcessEnv, message: RegExp) =>
    assert.rejects(read(flags, env), (fault) => {
      assert.ok(fault instanceof CommandFault);
      assert.equal(fault.exitCode, exitCodes.refused);
      assert.match(fault.message, message);
      return true;
    });

  test('flags are stronger than the environment, and the environment than the defaults', async () => {
    const env = { KIRO_DISPATCH_URL: 'https://env.example', KIRO_DISPATCH_KEY: 'env-key' };
    assert.deepEqual(await read({ url: 'https://flag.example/base/', key: 'flag-key' }, env), {
      ...{ url: 'https://flag.example/base/', key: 'flag-key', told: [] },
    });
    assert.deepEqual(await read({}, env), { url: 'https://env.example/', key: 'env-key', told: [] });
    const empty = { KIRO_DISPATCH_URL: '', KIRO_DISPATCH_KEY: 'k' };
    assert.equal((await read({}, empty)).url, 'http://127.0.0.1:8081/');
  });

  test('without a key the admin key of this machine is used for its own service, and that is said', async () => {
    for (const url of ['http://127.0.0.1:8081', 'http://localhost:1', 'http://[::1]:1', 'http://127.8.8.8']) {
      const { key, told } = await read({ url }, { DATA_DIR: directory });
      assert.equal(key, 'the-admin-key');
      assert.deepEqual(told, [`using the admin key in ${join(directory, 'admin.key')}`]);
    }
  });

  test('the admin key of this machine is never sent to another one', async () => {
    for (const url of [
      'https://kiro.example',
      'http://127.0.0.1.example',
      'http://localhost.example',
      'http://10.0.0.1',
    ]) {
      await refused({ url }, { DATA_DIR: directory }, /KIRO_DISPATCH_KEY/);
    }
  });

  test('a key that is nowhere, a URL that is none and a key that cannot be sent are refused without showing the key', async () => {
    await refused({}, { DATA_DIR: join(directory, 'nowhere') }, /KIRO_DISPATCH_KEY/);
    await refused({ url: 'kiro.example', key: 'k' }, {}, /kiro\.example is not the URL/);
    await refused({ url: 'ftp://kiro.example', key: 'k' }, {}, /is not the URL/);
    await refused({ key: 'secret\nkey' }, {}, /^(?!.*secret)/s);
  });
});

/** With --allow-behave a prompt chooses its own fault, so that one running system can be shown many of them. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RawClient, temporaryFolder } from './raw-client.ts';

const opened = async (home: string, ...args: string[]) => {
  const client = new RawClient({ home, args });
  return { client, sessionId: await client.open() };
};

it('a behaviour named in a prompt is played for that prompt alone when --allow-behave is given, and its line is not part of the prompt', async () => {
  using home = temporaryFolder();
  const { client, sessionId } = await opened(home.path, '--allow-behave');
  await using _ = client;
  assert.equal(await client.prompt(sessionId, 'behave: crlf\nreverse abc'), 'end_turn');
  assert.match(client.text(), /cba\n\none line and another/);
  assert.equal(await client.prompt(sessionId, 'behave: deep-json:3\nwhat did I ask before?'), 'end_turn');
  assert.match(client.text(), /1\. "reverse abc"/);
  assert.ok(client.stdout.includes('[[[]]]'));
});

it('a behaviour named in a prompt is plain text without --allow-behave', async () => {
  using home = temporaryFolder();
  const { client, sessionId } = await opened(home.path);
  await using _ = client;
  assert.equal(await client.prompt(sessionId, 'behave: exit-1-mid-result\nreverse abc'), 'end_turn');
});

it('a behaviour named in a prompt is refused when it does not exist or begins before the first prompt', async () => {
  using home = temporaryFolder();
  const { client, sessionId } = await opened(home.path, '--allow-behave');
  await using _ = client;
  for (const name of ['is-kind', 'bom', 'exit-0-before-hello']) {
    assert.equal(await client.prompt(sessionId, `behave: ${name}`), 'error -32603');
  }
  assert.equal(await client.prompt(sessionId, 'reverse abc'), 'end_turn');
});

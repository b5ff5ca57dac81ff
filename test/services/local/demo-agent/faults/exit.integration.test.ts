/** The agent ends where the table says, with the code it says. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes } from '../../../../../services/local/demo-agent/behaviours.ts';
import { playsOf } from '../play.ts';
import type { RawClient } from '../raw-client.ts';

const { plays, playsFromStart } = playsOf('exit');

const talk = async (client: RawClient) => client.prompt(await client.open(), 'write a.txt: hello');
const kindsOf = (client: RawClient) => [...new Set(client.updates.map((update) => update.sessionUpdate))];
const isWritten = (client: RawClient) => existsSync(join(client.cwd, 'a.txt'));
const upToTheTool = ['plan', 'agent_message_chunk', 'agent_thought_chunk', 'tool_call', 'tool_call_update'];

for (const code of exitCodes) {
  const ends = (step: string, promise: string, check: (client: RawClient) => void) =>
    playsFromStart(`exit-${code}-${step}`, promise, async (client) => {
      await assert.rejects(talk(client), /the agent is gone/);
      assert.equal(await client.exit, code);
      check(client);
    });

  ends('before-hello', 'nothing was written', (client) => assert.equal(client.stdoutBytes, 0));
  ends('mid-handshake', 'half a hello was written', (client) =>
    assert.equal(client.stdout.toString(), '{"jsonrpc":"2.0","id":'),
  );
  ends('after-prompt', 'the session is there, and not one update', (client) => {
    assert.equal(client.messages.length, 2);
    assert.deepEqual(client.updates, []);
  });
  ends('mid-tool-call', 'the tool call is announced and the file is not written', (client) => {
    assert.deepEqual(kindsOf(client), upToTheTool);
    assert.equal(isWritten(client), false);
  });
  ends('mid-result', 'the file is written and its line in the answer is missing', (client) => {
    assert.deepEqual(kindsOf(client), upToTheTool);
    assert.equal(isWritten(client), true);
    assert.doesNotMatch(client.text(), /I wrote/);
  });
  playsFromStart(`exit-${code}-after-result`, 'the turn is over', async (client) => {
    assert.equal(await talk(client), 'end_turn');
    assert.equal(await client.exit, code);
  });
}

plays('killed-mid-result', 'the process dies by the signal', async ({ client, turn }) => {
  await assert.rejects(turn(), /the agent is gone/);
  assert.equal(await client.exit, 'SIGKILL');
});

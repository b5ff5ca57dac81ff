import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AgentUnavailable } from '#platform/agent/agent.ts';
import { readAccount } from '#platform/agent/preflight.ts';
import { agentStarter } from '#platform/agent/start-agent.ts';
import type { AgentSettings } from '#platform/agent/start-agent.ts';
import { BadConfiguration } from '#platform/config.ts';
import { carriersOf } from '#test/support/processes.ts';

const root = mkdtempSync(join(tmpdir(), 'kiro-start-'));
after(() => rmSync(root, { recursive: true }));
const never = new AbortController().signal;

const settings: AgentSettings = {
  command: 'kiro-cli acp',
  protocol: 'auto',
  permissions: 'allow-workdir',
  startLimitMs: 5_000,
  idleLimitMs: 5_000,
  stopGraceMs: 500,
  cwd: root,
  env: { ...process.env, PATH: `${root}:${process.env['PATH'] ?? ''}` },
};

/** A Kiro that does what the script says when it is asked who is signed in, and keeps what it is called with. */
const kiro = (whoami: string, rest = 'exit 1') => {
  const script = `#!/bin/sh\necho "$*" >> ${root}/calls\n[ "$1" = whoami ] && { ${whoami}; exit; }\n${rest}\n`;
  writeFileSync(join(root, 'calls'), '');
  writeFileSync(join(root, 'kiro-cli'), script, { mode: 0o755 });
};
const calls = () => readFileSync(join(root, 'calls'), 'utf8').trim().split('\n');
const signedIn = `printf '{"accountType":"IamIdentityCenter"}\\nProfile:\\n  name\\n'`;
const session = `read -r a; echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1}}'; read -r b`;

const unavailable = async (changes: Partial<AgentSettings>, message: RegExp, remedy: RegExp) => {
  await assert.rejects(agentStarter({ ...settings, ...changes })(never), (fault: unknown) => {
    assert.ok(fault instanceof AgentUnavailable, String(fault));
    assert.match(fault.message, message);
    assert.match(fault.remedy, remedy);
    return true;
  });
};

test('Kiro is started with its engine named once somebody is signed in', async () => {
  kiro(signedIn, session);
  await using agent = await agentStarter(settings)(never);
  assert.equal(agent.info.dialect, 'kiro-v2');
  assert.deepEqual(calls(), ['whoami --format json', 'acp --agent-engine=v2']);
});

test('the command chooses the dialect', async () => {
  kiro(signedIn, session);
  await using v3 = await agentStarter({ ...settings, command: 'kiro-cli acp --agent-engine=v3' })(never);
  assert.equal(v3.info.dialect, 'kiro-v3');
  await using headless = await agentStarter({ ...settings, command: 'kiro-cli chat', permissions: 'allow-all' })(never);
  assert.equal(headless.info.dialect, 'stream-json');
  await using other = await agentStarter({ ...settings, command: `sh -c '${session.replaceAll("'", `'\\''`)}'` })(
    never,
  );
  assert.equal(other.info.dialect, 'acp');
});

test('a Kiro that nobody signed in is not started', async () => {
  kiro(`echo '{"account":null}'; exit 1`, session);
  await unavailable({}, /^Kiro is not signed in$/, /kiro-cli login/);
  assert.deepEqual(calls(), ['whoami --format json']);
});

test('a Kiro that does not answer is given up, and nothing of it is left', async () => {
  kiro('echo Confirm the following code in the browser; setsid sleep 1000', session);
  const env = { ...settings.env, KIRO_TEST_TAG: 'whoami-hangs' };
  await unavailable({ startLimitMs: 300, env }, /whoami did not answer in time$/, /by hand/);
  assert.deepEqual(carriersOf('whoami-hangs'), []);
});

test('a Kiro that is broken or missing is told as such', async () => {
  kiro('echo no space left >&2; exit 70');
  await unavailable({}, /^kiro-cli whoami exited with code 70: no space left$/, /./);
  rmSync(join(root, 'kiro-cli'));
  await unavailable({ env: { PATH: root } }, /^kiro-cli is not installed$/, /Install Kiro/);
});

test('the answer to whoami is found in front of whatever follows it', () => {
  assert.equal(readAccount('{"account":{"email":"a}b"}}\nProfile:\n {'), 'signed in');
  assert.equal(readAccount('\u001b[0m{"account":null}'), 'signed out');
  assert.equal(readAccount('Confirm the following code in the browser {'), 'unclear');
  assert.equal(readAccount(''), 'unclear');
});

test('a configuration that cannot be is refused before anything is started', () => {
  const faults = (changes: Partial<AgentSettings>): readonly string[] => {
    try {
      agentStarter({ ...settings, ...changes });
      return [];
    } catch (fault) {
      assert.ok(fault instanceof BadConfiguration);
      return fault.faults;
    }
  };
  assert.deepEqual(faults({ command: '"kiro-cli' }), ['AGENT_COMMAND: is empty, or a quote in it is not closed']);
  assert.deepEqual(faults({ envNames: ['GITHUB_TOKEN'] }), ['AGENT_ENV: GITHUB_TOKEN is never handed to an agent']);
  assert.match(faults({ command: 'kiro-cli chat' })[0] ?? '', /^AGENT_PERMISSIONS: with stream-json /);
  assert.match(faults({ protocol: 'stream-json' })[0] ?? '', /^AGENT_PROTOCOL: stream-json does not fit /);
  assert.deepEqual(faults({}), []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitCommand } from '#platform/agent/command-line.ts';
import { readKiroCommand } from '#platform/agent/kiro-command.ts';

test('a command is split as a shell would split it, and nothing in it is run or replaced', () => {
  assert.deepEqual(splitCommand(`  kiro-cli acp `), ['kiro-cli', 'acp']);
  assert.deepEqual(splitCommand(`"/a b/c" 'd "e"' f\\ g "h\\"i" ''`), ['/a b/c', 'd "e"', 'f g', 'h"i', '']);
  assert.deepEqual(splitCommand('echo $HOME `id` $(id) *'), ['echo', '$HOME', '`id`', '$(id)', '*']);
  for (const none of ['', '   ', `a "b`, `a 'b`]) assert.equal(splitCommand(none), undefined);
});

test('any words can be written so that they are read back', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (words) => {
      const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
      assert.deepEqual(splitCommand(quoted.join(' ')), words);
    }),
  );
});

test('of Kiro the engine is always named, and V3 never asks us for a token', () => {
  const acp = (args: readonly string[]) => readKiroCommand('/opt/kiro-cli', args);
  assert.deepEqual(acp(['acp']), { mode: 'acp', engine: 'v2', args: ['acp', '--agent-engine=v2'] });
  const v3 = ['acp', '--agent-engine=v3', '--auth-method=cli'];
  assert.deepEqual(acp(v3), { mode: 'acp', engine: 'v3', args: v3 });
  assert.deepEqual(acp(['acp', '--agent-engine', 'v3'])?.args, ['acp', '--agent-engine', 'v3', '--auth-method=cli']);
  assert.deepEqual(acp(['acp', '--v3'])?.engine, 'v3');
  assert.deepEqual(readKiroCommand('kiro-cli-chat', ['chat', '--v2']), {
    mode: 'chat',
    engine: 'v2',
    args: ['chat', '--v2'],
  });
  assert.equal(readKiroCommand('opencode', ['acp']), undefined);
});

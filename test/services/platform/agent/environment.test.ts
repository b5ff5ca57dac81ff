import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentEnvironment, isForbidden } from '#platform/agent/environment.ts';

test('an agent sees the usual names, what Kiro needs and what was allowed by name, and nothing else', () => {
  const env = {
    PATH: '/bin',
    HOME: '/h',
    LC_ALL: 'C',
    KIRO_API_KEY: 'k',
    OPENCODE_X: '1',
    DATABASE_URL: 'd',
    EMPTY: '',
  };
  assert.deepEqual(agentEnvironment(env, ['OPENCODE_*', 'EMPTY']), {
    PATH: '/bin',
    HOME: '/h',
    LC_ALL: 'C',
    KIRO_API_KEY: 'k',
    OPENCODE_X: '1',
    EMPTY: '',
  });
});

test('credentials with write power and our own settings are not handed on even when they are asked for', () => {
  const names = [
    'AWS_SECRET_ACCESS_KEY',
    'GITHUB_TOKEN',
    'GH_TOKEN',
    'KIRO_DISPATCH_KEY',
    'ECS_CONTAINER_METADATA_URI',
  ];
  const env = Object.fromEntries(names.map((name) => [name, 'x']));
  assert.deepEqual(agentEnvironment(env, names), {});
  assert.deepEqual(names.filter(isForbidden), names);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { workspaces } from '#platform/agent/workspace.ts';

const base = mkdtempSync(join(tmpdir(), 'kiro-workspace-'));
after(() => rmSync(base, { recursive: true }));
const root = join(base, 'sessions');
const places = workspaces({ root, git: { protocols: ['file'], env: process.env, timeoutMs: 20_000 } });
const never = new AbortController().signal;

test('a session has a directory of its own that nobody else can read, and finds it again as it was left', async () => {
  const opened = await places.open('session-1', {}, never);
  assert.deepEqual(opened, { outcome: 'ready', path: join(root, 'session-1') });
  assert.equal(statSync(opened.path).mode & 0o777, 0o700);
  writeFileSync(join(opened.path, 'note'), 'kept');
  assert.deepEqual(await places.open('session-1', {}, never), opened);
  assert.equal(readFileSync(join(opened.path, 'note'), 'utf8'), 'kept');
});

test('a name that leads elsewhere is no name of a session', async () => {
  for (const name of ['..', '.', 'a/b', '../x', '', '.hidden', 'a\0b', 'x'.repeat(101)]) {
    await assert.rejects(places.open(name, {}, never), /cannot name a directory/, name);
  }
});

test('a repository is brought into a new directory, and one that cannot be leaves nothing behind', async () => {
  const origin = join(base, 'origin');
  mkdirSync(origin);
  writeFileSync(join(origin, 'a.txt'), 'a');
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', origin, '-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
      stdio: 'pipe',
    });
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'a');
  const opened = await places.open('with-repository', { repository: origin }, never);
  assert.equal(opened.outcome, 'ready');
  assert.match(opened.commit ?? '', /^[0-9a-f]{40}$/);
  assert.equal(readFileSync(join(opened.path, 'a.txt'), 'utf8'), 'a');
  const refused = await places.open('with-none', { repository: join(base, 'none') }, never);
  assert.equal(refused.outcome, 'refused');
  assert.equal(refused.error.class, 'invalid-input');
  assert.equal(
    readdirSync(root).some((name) => name.startsWith('with-none')),
    false,
  );
});

test('its size counts what is in it and not what its links point to; removed, it is gone and what it pointed to is not', async () => {
  const opened = await places.open('linked', {}, never);
  assert.equal(opened.outcome, 'ready');
  const outside = join(base, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'large'), Buffer.alloc(1_000_000, 1));
  symlinkSync(outside, join(opened.path, 'link'));
  symlinkSync('loop', join(opened.path, 'loop'));
  writeFileSync(join(opened.path, 'small'), Buffer.alloc(50_000, 1));
  const size = await places.size('linked');
  assert.ok(size >= 50_000 && size < 100_000, String(size));
  await places.remove('linked');
  assert.equal(existsSync(opened.path), false);
  assert.ok(existsSync(join(outside, 'large')));
  assert.equal(await places.size('linked'), 0);
  await places.remove('linked');
});

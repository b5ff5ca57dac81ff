import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkOut } from '#platform/git/check-out.ts';
import { runGit } from '#platform/git/clean-room.ts';
import type { GitOptions } from '#platform/git/clean-room.ts';
import { isRefName } from '#platform/git/ref-name.ts';

const root = mkdtempSync(join(tmpdir(), 'kiro-git-'));
after(() => rmSync(root, { recursive: true }));
const origin = join(root, 'origin');
const options: GitOptions = { protocols: ['file'], env: process.env, timeoutMs: 20_000 };
const never = new AbortController().signal;
let made = 0;

const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', '-C', origin, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();

const commit = (message: string): string => {
  git('add', '-A');
  git('commit', '-q', '-m', message);
  return git('rev-parse', 'HEAD');
};

const directory = (): string => {
  const path = join(root, `checkout-${(made += 1)}`);
  mkdirSync(path);
  return path;
};

/** Checks out what is asked for and tells what is in it. */
const brought = async (repository: string, ref?: string) => {
  const target = directory();
  const result = await checkOut({ repository, ref, directory: target }, options, never);
  const readme = join(target, 'README.md');
  return { result, target, text: existsSync(readme) ? readFileSync(readme, 'utf8') : undefined };
};

const refusalOf = async (repository: string, ref?: string) => {
  const { result } = await brought(repository, ref);
  assert.equal(result.outcome, 'refused');
  return result.error;
};

let first = '';
before(() => {
  mkdirSync(origin);
  git('init', '-q', '-b', 'main');
  git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  writeFileSync(join(origin, 'README.md'), 'first\n');
  first = commit('first');
  git('tag', '-a', 'v1', '-m', 'one');
  git('checkout', '-q', '-b', 'feature/two');
  writeFileSync(join(origin, 'README.md'), 'second\n');
  commit('second');
  git('checkout', '-q', 'main');
});

test('a branch, a tag, a commit and the default branch are checked out, each as what it is', async () => {
  const byDefault = await brought(origin);
  assert.deepEqual(byDefault.result, { outcome: 'checked-out', commit: first });
  assert.equal(readFileSync(join(byDefault.target, '.git/HEAD'), 'utf8'), 'ref: refs/heads/main\n');
  const branch = await brought(`file://${origin}`, 'feature/two');
  assert.equal(branch.text, 'second\n');
  assert.equal(readFileSync(join(branch.target, '.git/HEAD'), 'utf8'), 'ref: refs/heads/feature/two\n');
  assert.equal((await brought(origin, 'v1')).text, 'first\n');
  assert.deepEqual((await brought(origin, first)).result, { outcome: 'checked-out', commit: first });
});

test('what does not exist is refused by its name', async () => {
  assert.match((await refusalOf(join(root, 'none'))).message, /^there is no repository /);
  assert.match((await refusalOf(origin, 'nowhere')).message, / has no nowhere$/);
  assert.match((await refusalOf(origin, 'f'.repeat(40))).message, / has no f{40}$/);
  mkdirSync(join(root, 'empty'));
  execFileSync('git', ['init', '-q', '--bare', join(root, 'empty')]);
  assert.match((await refusalOf(join(root, 'empty'))).message, / has no commit yet$/);
});

test('an address that is not allowed is refused before git sees it', async () => {
  const addresses = [
    'https://example.org/x.git',
    'ssh://git@example.org/x',
    'git@example.org:x.git',
    'ext::sh -c id',
    '--upload-pack=id',
    'http://example.org/x',
    'relative/path',
    '',
  ];
  for (const address of addresses) {
    const { class: kind, message } = await refusalOf(address);
    assert.deepEqual([kind, message], ['invalid-input', `${address} is not a repository that may be used`]);
  }
  const https: GitOptions = { ...options, protocols: ['https'] };
  const result = await checkOut({ repository: 'https://u:p@example.org/x', directory: directory() }, https, never);
  assert.equal(result.outcome, 'refused');
});

test('a name that git could take for something else is no name of a ref', async () => {
  const bad = [
    '--upload-pack=id',
    '-x',
    'a..b',
    '@{-1}',
    'a\nb',
    'a.lock',
    '../../etc',
    'refs/heads/main',
    '',
    'a b',
    '/a',
    'a/',
    'HEAD~1',
  ];
  for (const name of bad) assert.equal(await isRefName(name, options, never), false, name);
  for (const name of ['main', 'feature/#12-x', 'dependabot/npm/@types/node-1.2', 'v1.0']) {
    assert.equal(await isRefName(name, options, never), true, name);
  }
});

test('no hook, monitor, helper or transport that was planted is run', async () => {
  const planted = join(root, 'was-run');
  const trap = join(root, 'trap');
  writeFileSync(trap, `#!/bin/sh\ntouch ${planted}\ncat\n`);
  chmodSync(trap, 0o755);
  git('checkout', '-q', '-b', 'hostile', 'main');
  writeFileSync(join(origin, '.gitattributes'), '* filter=evil\n');
  writeFileSync(
    join(origin, '.gitmodules'),
    `[submodule "s"]\n\tpath = s\n\turl = ext::${trap}\n\tupdate = !${trap}\n`,
  );
  symlinkSync('/etc/passwd', join(origin, 'link'));
  commit('hostile');
  git('checkout', '-q', 'main');
  const { target, result } = await brought(origin, 'hostile');
  assert.equal(result.outcome, 'checked-out');
  for (const [name, value] of [
    ['core.fsmonitor', trap],
    ['core.hooksPath', root],
    ['core.sshCommand', trap],
    ['credential.helper', trap],
    ['protocol.ext.allow', 'always'],
    [`url.ext::${trap}.insteadOf`, 'file://elsewhere'],
  ] as const) {
    execFileSync('git', ['-C', target, 'config', name, value]);
  }
  mkdirSync(join(target, '.git/hooks'), { recursive: true });
  for (const hook of ['post-checkout', 'reference-transaction', 'pre-push'])
    symlinkSync(trap, join(target, '.git/hooks', hook));
  for (const hook of ['post-checkout', 'reference-transaction']) symlinkSync(trap, join(root, hook));
  for (const args of [
    ['status'],
    ['checkout', '-q', '-f', 'HEAD'],
    ['fetch', '-q', origin, 'main'],
    ['fetch', 'file://elsewhere'],
  ]) {
    await runGit(args, options, never, target);
  }
  assert.equal(existsSync(planted), false);
});

test('no configuration of the user or the host is read, and nothing of ours is left in the repository', async () => {
  const home = join(root, 'home');
  mkdirSync(home);
  writeFileSync(join(home, '.gitconfig'), '[init]\n\tdefaultBranch = from-home\n');
  const { result, target } = await brought(origin, 'v1');
  assert.equal(result.outcome, 'checked-out');
  const seen = await runGit(
    ['config', 'init.defaultBranch'],
    { ...options, env: { ...process.env, HOME: home } },
    never,
  );
  assert.equal(seen.stdout, '');
  const config = readFileSync(join(target, '.git/config'), 'utf8');
  assert.equal(/remote|url|extraheader/i.test(config), false);
  assert.equal(existsSync(join(target, '.git/hooks')), false);
});

test('a credential reaches git by its environment and is written nowhere', async () => {
  const secret: GitOptions = { ...options, authorization: 'Basic bm90LWEtcmVhbC1vbmU=' };
  const target = directory();
  assert.equal((await checkOut({ repository: origin, directory: target }, secret, never)).outcome, 'checked-out');
  const told = await runGit(['config', 'http.extraHeader'], secret, never);
  assert.equal(told.stdout, 'Authorization: Basic bm90LWEtcmVhbC1vbmU=');
  const files = readdirSync(join(target, '.git'), { recursive: true, withFileTypes: true }).filter((file) =>
    file.isFile(),
  );
  assert.ok(files.length > 5);
  for (const file of files) {
    assert.equal(readFileSync(join(file.parentPath, file.name)).includes('bm90LWEtcmVhbC1vbmU'), false, file.name);
  }
});

test('a repository that is too large is refused', async () => {
  const result = await checkOut({ repository: origin, directory: directory(), bytesMax: 10_000 }, options, never);
  assert.equal(result.outcome, 'refused');
  assert.equal(result.error.class, 'invalid-input');
  assert.match(result.error.message, /takes more than 10000 bytes$/);
});

test('git that does not come to an end is stopped, and that is nobody’s wrong input', async () => {
  const result = await checkOut({ repository: origin, directory: directory() }, { ...options, timeoutMs: 1 }, never);
  assert.equal(result.outcome, 'refused');
  assert.deepEqual([result.error.class, result.error.retryable], ['internal', true]);
});

test('a checkout that is called off rejects with the reason', async () => {
  const reason = new Error('called off');
  const controller = new AbortController();
  controller.abort(reason);
  await assert.rejects(checkOut({ repository: origin, directory: directory() }, options, controller.signal), reason);
});

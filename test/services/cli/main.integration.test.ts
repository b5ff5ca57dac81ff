/** The command as a process: launcher, signals, pipes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { completed, failed, said, started, submitted } from './facts.ts';
import { key, startFakeService } from './fake-service.ts';
import type { FakeService } from './fake-service.ts';

const bin = fileURLToPath(new URL('../../../services/cli/bin.js', import.meta.url));

const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
  const child = spawn(process.execPath, args, { env: { PATH: process.env['PATH'], ...env } });
  const ended = once(child, 'close').then(([code]: unknown[]) => code);
  return { child, ended, stdout: () => text(child.stdout), stderr: () => text(child.stderr) };
};

void suite('the command as a process', () => {
  let service: FakeService;
  before(async () => void (service = await startFakeService()));
  after(() => service[Symbol.asyncDispose]());
  const cli = (...args: string[]) =>
    start([bin, ...args], { KIRO_DISPATCH_URL: service.url, KIRO_DISPATCH_KEY: key, NO_COLOR: '1' });

  test('takes a prompt from a pipe and gives the result to another, with the exit code of the outcome', async () => {
    const { child, ended, stdout } = cli('submit', '-', '--wait');
    const subscribed = service.subscribed();
    child.stdin.end('Add a README.');
    const printed = stdout();
    await subscribed;
    service.append(service.taskIds().at(-1) ?? '', started(), completed('Done.'));
    assert.deepEqual([await ended, await printed], [0, 'Done.\n']);
  });

  test('Ctrl-C ends it with 130 and the word that the task goes on', async () => {
    const taskId = service.addTask(submitted());
    const subscribed = service.subscribed();
    const { child, ended, stderr } = cli('watch', taskId);
    const printed = stderr();
    await subscribed;
    child.kill('SIGINT');
    assert.equal(await ended, 130);
    assert.match(await printed, new RegExp(`task ${taskId} goes on`));
  });

  test('Ctrl-C ends it while it waits for its input', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'kiro-dispatch-cli-'));
    t.after(() => rm(directory, { recursive: true }));
    await writeFile(join(directory, 'admin.key'), key);
    const { child, ended } = start([bin, 'submit', '-'], { DATA_DIR: directory, NO_COLOR: '1' });
    // The key is looked for before the input is read: that it is found is the sign.
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    assert.equal(await ended, 130);
  });

  test('ends without a word when nobody reads what it prints any more', async () => {
    const taskId = service.addTask(submitted(), started());
    const subscribed = service.subscribed();
    const { child, ended, stderr } = cli('watch', taskId, '--json');
    const printed = stderr();
    await subscribed;
    child.stdout.destroy();
    service.append(taskId, said(1, 'a'));
    assert.deepEqual([await ended, await printed], [141, '']);
  });

  test('exits 5 when the task ran out of time', async () => {
    const taskId = service.addTask(submitted(), started(), failed('timed-out'));
    assert.equal(await cli('watch', taskId).ended, 5);
  });
});

void suite('the launcher under a Node that is too old', () => {
  let directory = '';
  // The preloaded module makes this Node an old one in the eyes of the launcher.
  const old = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"20.20.2"}})';
  const launch = (...args: string[]) => start(['--import', old, join(directory, 'services/cli/bin.js'), ...args]);
  const own = () => join(directory, 'node_modules/node/bin');

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kiro-dispatch-bin-'));
    await mkdir(join(directory, 'services/cli'), { recursive: true });
    await writeFile(join(directory, 'package.json'), '{"type":"module"}');
    await copyFile(bin, join(directory, 'services/cli/bin.js'));
  });
  after(() => rm(directory, { recursive: true }));

  test('says what to do when the package is not installed, and exits 2', async () => {
    const { ended, stderr } = launch('list');
    const printed = await stderr();
    assert.equal(await ended, 2);
    assert.match(printed, /needs Node 24\.12.*npm ci.*\n$/);
  });

  /** The program to be launched; under its own Node it is not preloaded, so it sees which Node it has. */
  const install = async (program: string): Promise<void> => {
    await mkdir(own(), { recursive: true });
    await rm(join(own(), 'node'), { force: true });
    await symlink(process.execPath, join(own(), 'node'));
    await writeFile(join(directory, 'services/cli/main.ts'), program);
  };

  test("runs the package's own Node with the same arguments and ends as it ends", async () => {
    await install('console.log(process.versions.node, process.argv.slice(2)); process.exit(7);');
    const { ended, stdout } = launch('submit', 'two words', '--wait');
    assert.equal(await stdout(), `${process.versions.node} [ 'submit', 'two words', '--wait' ]\n`);
    assert.equal(await ended, 7);
  });

  test('hands signals on and waits for the end, also when one comes as soon as the program runs', async () => {
    await install('');
    const script = '#!/bin/sh\ntrap "exit 130" INT\necho ready\nfor n in $(seq 99); do sleep 0.05; done\n';
    await rm(join(own(), 'node'));
    await writeFile(join(own(), 'node'), script, { mode: 0o755 });
    const { child, ended } = launch('watch');
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    assert.equal(await ended, 130);
  });
});

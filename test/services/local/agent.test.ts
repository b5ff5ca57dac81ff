/** Which agent is used, and that the command chosen is one that can be read back. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, it } from 'node:test';
import { splitCommand } from '#platform/agent/command-line.ts';
import { StartFault } from '#platform/lifetime.ts';
import { chooseAgent } from '../../../services/local/agent.ts';

const withPrograms = async (...names: string[]) => {
  const directory = await mkdtempDisposable(join(tmpdir(), 'agent-'));
  for (const name of names) {
    await writeFile(join(directory.path, name), '');
    await chmod(join(directory.path, name), 0o755);
  }
  return directory;
};

describe('the agent', () => {
  it('is Kiro where it is installed and nothing else was asked for', async () => {
    await using programs = await withPrograms('kiro-cli');
    assert.equal(chooseAgent(undefined, ['/nowhere', programs.path].join(delimiter)).command, 'kiro-cli acp');
  });

  it('is the demo agent where Kiro is not installed, and says that it is', async () => {
    await using programs = await withPrograms();
    await mkdir(join(programs.path, 'kiro-cli'));
    const { command, title } = chooseAgent(undefined, programs.path);
    const [program, main = ''] = splitCommand(command) ?? [];
    assert.equal(program, process.execPath);
    assert.match(main, /\/services\/local\/demo-agent\/main\.ts$/);
    assert.match(title, /demo agent/);
    assert.match(chooseAgent(`${command} --pace-ms=0`, programs.path).title, /demo agent/);
  });

  it('is the one that was named, on the PATH or by its path', async () => {
    await using programs = await withPrograms('my-agent');
    for (const command of ['my-agent --acp', `'${join(programs.path, 'my-agent')}' --acp`]) {
      assert.deepEqual(chooseAgent(command, programs.path), { command, title: command });
    }
  });

  it('that was named and is not there, or is no program, stops the start', async () => {
    await using programs = await withPrograms('plain');
    await chmod(join(programs.path, 'plain'), 0o644);
    for (const command of ['kiro-cli acp', 'plain acp', join(programs.path, 'plain')]) {
      assert.throws(
        () => chooseAgent(command, programs.path),
        (fault) => fault instanceof StartFault && fault.exitCode === 1 && fault.message.includes('is not installed'),
      );
    }
  });
});

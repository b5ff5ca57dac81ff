/** The data directory belongs to one run at a time. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { StartFault } from '#platform/lifetime.ts';
import { holdDataDir } from '../../../services/local/data-dir.ts';

const withDirectory = () => mkdtempDisposable(join(tmpdir(), 'data-dir-'));
const holder = new URL('programs/holder.ts', import.meta.url).pathname;

describe('the data directory', () => {
  it('is made for its owner alone', async () => {
    await using directory = await withDirectory();
    const path = join(directory.path, 'a', 'b');
    using _held = holdDataDir(path);
    assert.equal((await stat(path)).mode & 0o777, 0o700);
  });

  it('is free again when its holder let it go, or was killed', async () => {
    await using directory = await withDirectory();
    holdDataDir(directory.path)[Symbol.dispose]();
    const child = spawn(process.execPath, [holder, directory.path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    assert.throws(
      () => holdDataDir(directory.path),
      (fault) => fault instanceof StartFault && fault.message.includes(`(pid ${child.pid ?? 0}, since 2`),
    );
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    using _held = holdDataDir(directory.path);
  });

  it('is refused when its disk is nearly full', async () => {
    await using directory = await withDirectory();
    assert.throws(
      () => holdDataDir(directory.path, Number.MAX_SAFE_INTEGER),
      (fault) => fault instanceof StartFault && /^Only \d+ MiB are free where .* is; make room/.test(fault.message),
    );
  });
});

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { byEffort, printCounts } from '#test/proof/effort.ts';
import { startSystem, temporaryDir } from '#test/support/system.ts';
import { client } from './client.ts';
import { pidOf } from './parts.ts';
import { fillDisk, protect, readOnly, startOnSmallDisk, unprotect } from './small-disk.ts';

/** Less is refused at the start. */
const diskMiB = 96;
const large = `a prompt that needs some room: ${'x'.repeat(20_000)}`;

describe('a disk that is full', () => {
  it('costs refusals that say so, no acknowledged task, and nothing more once there is room', async (t) => {
    await using dir = await temporaryDir();
    await using system = await startOnSmallDisk(dir.path, diskMiB, { RATE_PER_SECOND: '1000' });
    const { submit, submitUntilTaken, counts, allComplete } = client(system);
    const rounds = byEffort({ ci: 1, full: 10 });
    for (let round = 0; round < rounds; round += 1) {
      for (let n = 0; n < 5; n += 1) await submit(`wait 1 s, number ${n}`);
      const filled = await fillDisk(system.data);
      for (let n = 0; n < 8; n += 1) {
        await submit(large);
        assert.equal((await system.get('/health')).status, 200);
      }
      filled.free();
      await submitUntilTaken('reverse this');
    }
    assert.ok(counts.refused > 0, 'the disk was never full');
    await allComplete();
    printCounts(t, { rounds, ...counts });
  });
});

describe('a folder for work that becomes read-only', () => {
  it('fails tasks with a reason, and no more once it can be written; the worker lives', async (t) => {
    await using dir = await temporaryDir();
    await using system = await startOnSmallDisk(dir.path, diskMiB, { SESSION_SPARES: '0', ATTEMPTS_MAX: '1' });
    await system.outcome(await system.submit('reverse this first'));
    const worker = pidOf(system, 'worker');
    const sessions = join(dir.path, 'sessions');
    protect(system, sessions);
    const task = await system.outcome(await system.submit('reverse this'), 60_000);
    assert.equal(task.status, 'failed');
    assert.equal(task.error?.class, 'internal');
    assert.match(task.error.message, /read-only file system/);
    unprotect(system, sessions);
    const next = await system.outcome(await system.submit('reverse that'), 60_000);
    assert.equal(next.status, 'completed');
    assert.equal(pidOf(system, 'worker'), worker, 'it was started again');
    printCounts(t, { failed: 1, 'completed after it': 1 });
  });
});

describe('a data folder that cannot be written', () => {
  it('stops the start with a sentence that says so', async () => {
    await using dir = await temporaryDir();
    await assert.rejects(
      startSystem(dir.path, {}, readOnly(dir.path)),
      /the system ended before it was ready:\nDATA_DIR .* cannot be written: /,
    );
  });
});

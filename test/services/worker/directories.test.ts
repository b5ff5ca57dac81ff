import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SessionId } from '#events/ids.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { TaskRefused } from '../../../services/worker/errors.ts';
import { directories } from '../../../services/worker/directories.ts';
import { testWorld } from './worker-bench.ts';

const never = new AbortController().signal;
const newSession = () => SessionId.parse(uuidv7(Date.now()));

const inTemporary = async (work: (root: string) => Promise<void>): Promise<void> => {
  const root = await mkdtemp(join(tmpdir(), 'directories-'));
  await work(root).finally(() => rm(root, { recursive: true }));
};

const keeping = (root: string, clock: () => number) =>
  directories({
    root,
    keepMs: 1_000,
    clock,
    workspaces: {
      open: async (sessionId) => {
        const path = join(root, sessionId);
        await mkdir(path, { recursive: true });
        return { outcome: 'ready', path };
      },
      remove: (sessionId) => rm(join(root, sessionId), { recursive: true }),
    },
  });

describe('the work directories of a worker', () => {
  it('stay for the keeping time after they were last opened, and as long as a session holds them', () =>
    inTemporary(async (root) => {
      const world = testWorld();
      const task = await world.read(await world.submit('anything'));
      const { prepare, sweep } = keeping(root, world.clock);
      const [old, held, young] = [newSession(), newSession(), newSession()];
      await prepare(old, task, never);
      await prepare(held, task, never);
      world.pass(1_000);
      await prepare(young, task, never);
      assert.equal(await sweep((name) => name === held), 1);
      assert.deepEqual((await readdir(root)).sort(), [held, young].sort());
    }));

  it('tell a repository that cannot be had as the error of the task', async () => {
    const world = testWorld();
    const task = await world.read(await world.submit('anything', { repository: 'https://example.invalid/x' }));
    const error = {
      class: 'invalid-input',
      message: 'no such repository',
      remedy: 'name another',
      retryable: false,
    } as const;
    const open = async () => ({ outcome: 'refused', error }) as const;
    const { prepare } = directories({
      root: '/nowhere',
      keepMs: 1,
      clock: Date.now,
      workspaces: { open, remove: async () => undefined },
    });
    await assert.rejects(
      prepare(newSession(), task, never),
      (fault) => fault instanceof TaskRefused && fault.error === error,
    );
  });
});

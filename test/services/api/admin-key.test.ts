import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { keyring } from '#platform/http/keyring.ts';
import { silent } from '#platform/log.ts';
import { memoryStore } from '#platform/memory/store.ts';
import type { Store } from '#platform/store.ts';
import { ensureAdminKey } from '../../../services/api/admin-key.ts';

const clock = (): number => Date.UTC(2026, 0, 1);

describe('the first admin key', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'admin-key-'));
  after(() => rm(folder, { recursive: true }));
  let files = 0;
  const newFile = () => join(folder, String((files += 1)), 'admin.key');
  const ensure = (file: string, store: Store) =>
    ensureAdminKey(file, { store, clock, log: silent, requestId: 'start' });
  const holderOf = async (file: string, store: Store) =>
    keyring(store.readRow, clock).authenticate((await readFile(file, 'utf8')).trim());
  const admins = async (store: Store) =>
    (await store.listRows('account', { order: 'newest-first', limit: 9 })).rows.length;
  const newStore = () => memoryStore({ shards: 1, clock });

  it('opens everything, and only its owner can read the file', async () => {
    const [file, store] = [newFile(), newStore()];
    await ensure(file, store);
    assert.equal((await holderOf(file, store))?.role, 'admin');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  it('stays what it is when the service starts again', async () => {
    const [file, store] = [newFile(), newStore()];
    await ensure(file, store);
    const key = await readFile(file, 'utf8');
    await ensure(file, store);
    assert.equal(await readFile(file, 'utf8'), key);
    assert.equal((await store.readLog(0, 0)).length, 2);
  });

  it('is one, however many instances start at once', async () => {
    const store = newStore();
    const [one, two] = [newFile(), newFile()];
    await Promise.all([ensure(one, store), ensure(two, store)]);
    assert.equal(await admins(store), 1);
    const held = await Promise.all([one, two].map((file) => holderOf(file, store).catch(() => undefined)));
    assert.equal(held.filter((holder) => holder?.role === 'admin').length, 1);
  });

  it('is not made a second time when the file was moved away', async () => {
    const [file, store] = [newFile(), newStore()];
    await ensure(file, store);
    await rm(file);
    await ensure(file, store);
    assert.equal(await admins(store), 1);
    await assert.rejects(readFile(file), { code: 'ENOENT' });
  });

  it('is the one in the file when the start before died between the file and the store, or half way', async () => {
    for (const appends of [0, 1]) {
      const [file, store] = [newFile(), newStore()];
      let left = appends;
      const dying = {
        ...store,
        append: async (...args: Parameters<typeof store.append>) => {
          if (left === 0) throw new Error('killed');
          left -= 1;
          return store.append(...args);
        },
      };
      await assert.rejects(ensure(file, dying), { message: 'killed' });
      const key = await readFile(file, 'utf8');
      await ensure(file, store);
      assert.equal(await readFile(file, 'utf8'), key);
      assert.equal((await holderOf(file, store))?.role, 'admin');
    }
  });

  it('is not issued where it cannot be written, nor from a file that holds none', async () => {
    const store = newStore();
    const plain = join(folder, 'plain');
    await writeFile(plain, 'no key');
    await ensure(plain, store);
    assert.equal(await admins(store), 0);
    assert.equal(await readFile(plain, 'utf8'), 'no key');
    await symlink('/proc/self', join(folder, 'unwritable'));
    await ensure(join(folder, 'unwritable', 'admin.key'), store);
    assert.equal(await admins(store), 0);
  });

  it('of another store is left alone', async () => {
    const [file, store, other] = [newFile(), newStore(), newStore()];
    await ensure(file, store);
    await ensure(newFile(), other);
    const key = await readFile(file, 'utf8');
    await ensure(file, other);
    assert.equal(await readFile(file, 'utf8'), key);
    assert.equal(await holderOf(file, other), undefined);
  });
});

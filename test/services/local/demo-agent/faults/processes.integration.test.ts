/** What the agent leaves behind is where the table says. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '#test/support/processes.ts';
import { playsOf } from '../play.ts';
import type { RawClient } from '../raw-client.ts';

const { plays } = playsOf('processes');

/** Fields of /proc/<pid>/stat; they stand behind the name, which is in parentheses. */
const statOf = (pid: number): { parent: number; group: number; session: number } => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [, parent = 0, group = 0, session = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return { parent, group, session };
};

const nameOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

/** Resolves with the agent's sleeping descendants once there are `count`. */
const sleepers = async (client: RawClient, count: number): Promise<number[]> => {
  const found = () => client.processes().filter((pid) => pid !== client.pid && nameOf(pid) === 'sleep');
  await until(() => found().length === count, `there are not ${count} sleepers`);
  return found();
};

plays(
  'fork-bomb',
  'a tree of as many processes as asked for',
  async ({ client, turn }) => {
    assert.equal(await turn(), 'end_turn');
    assert.equal((await sleepers(client, 15)).length, 15);
  },
  { amount: 15 },
);

plays('setsid-orphan', 'a child leads a session of its own', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  const [pid = 0] = await sleepers(client, 1);
  assert.deepEqual([statOf(pid).session, statOf(pid).parent], [pid, client.pid]);
});

plays('daemonises', 'a process in another session whose parent is gone', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  const [pid = 0] = await sleepers(client, 1);
  await until(() => statOf(pid).parent !== client.pid && !client.processes().includes(statOf(pid).parent), 'a parent');
  assert.notEqual(statOf(pid).session, statOf(client.pid).session);
});

plays('hides', 'a process that its environment does not betray', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  const file = join(client.cwd, 'hidden.pid');
  await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'), 'no number');
  const pid = Number(readFileSync(file, 'utf8'));
  await until(() => nameOf(pid) === 'sleep', 'it does not sleep');
  assert.equal(client.processes().includes(pid), false);
  assert.notEqual(statOf(pid).group, statOf(client.pid).group);
  process.kill(pid, 'SIGKILL');
});

plays('re-parents', 'a process in the same group whose parent is gone', async ({ client, turn }) => {
  assert.equal(await turn(), 'end_turn');
  const [pid = 0] = await sleepers(client, 1);
  await until(() => !client.processes().includes(statOf(pid).parent), 'its parent still lives');
  assert.equal(statOf(pid).group, client.pid);
});

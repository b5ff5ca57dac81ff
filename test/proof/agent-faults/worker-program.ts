/** The real worker with real agents, on stores in memory, in a process of its own: it can be measured, and killed. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { catalog } from '#events/catalog.ts';
import { AccountId, TaskId, WorkerId } from '#events/ids.ts';
import { isOver, Task } from '#events/task.ts';
import { agentStarter } from '#platform/agent/start-agent.ts';
import { readText } from '#platform/artifacts.ts';
import type { Artifacts } from '#platform/artifacts.ts';
import { readConfig } from '#platform/config.ts';
import { handler } from '#platform/handle.ts';
import { runMain } from '#platform/lifetime.ts';
import { createLog } from '#platform/log.ts';
import { memoryStore } from '#platform/memory/store.ts';
import { memoryWakes } from '#platform/memory/wakes.ts';
import type { Commit } from '#platform/store.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { eventually } from '#test/support/eventually.ts';
import { workerConfig } from '../../../services/worker/config.ts';
import { directories } from '../../../services/worker/directories.ts';
import { createWorker } from '../../../services/worker/service.ts';
import { agentSettingsOf, directoryOptionsOf, poolSettingsOf } from '../../../services/worker/settings.ts';
import { Sent } from './orders.ts';
import type { Order } from './orders.ts';
import { hintQueue } from './hint-queue.ts';

const config = readConfig(workerConfig, process.env);
const clock = Date.now;
const log = createLog('worker');
const workerId = WorkerId.parse(uuidv7(clock()));
const owner = AccountId.parse('ada000000000');
const origin = { actor: `account:${owner}`, correlationId: workerId } as const;
const wakes = memoryWakes();
const queue = hintQueue();
const onCommit = (commit: Commit) => {
  wakes.announce(commit);
  if (commit.facts.some(({ type }) => type === 'TaskSubmitted' || type === 'TaskRetried')) queue.add(commit.stream);
};
const store = memoryStore({ shards: 4, clock, onCommit });
// On disk, so that what is stored does not count as what the worker holds.
const artifacts: Artifacts = {
  put: (sha256, bytes) => writeFile(join(config.DATA_DIR, sha256), bytes),
  get: (sha256) => readFile(join(config.DATA_DIR, sha256)),
};
const handleTask = handler(catalog.task.decider, catalog.task.parseRow, store, clock);
const settings = agentSettingsOf(config, process.env);
let command = settings.command;
const keeping = directories(directoryOptionsOf(config, process.env, clock));
const worker = createWorker({
  ...{ workerId, store, artifacts, clock, log },
  onWake: wakes.onWake,
  takeHint: queue.take,
  startAgent: (signal) => agentStarter({ ...settings, command })(signal),
  directories: keeping,
  settings: poolSettingsOf(config),
  graceMs: config.SHUTDOWN_GRACE_MS,
});

const hours = 3_600_000;
const leaked: Buffer[] = [];
const read = async (taskId: TaskId): Promise<Task> => Task.parse((await store.readRow(`task/${taskId}`))?.row);
const when = (taskId: TaskId, holds: (task: Task) => boolean): Promise<Task> =>
  eventually(async () => [await read(taskId)].find(holds), `${taskId} took hours`, hours);

const obey = async (order: Order): Promise<unknown> => {
  switch (order.do) {
    case 'play':
      command = order.behave === undefined ? settings.command : `${settings.command} --behave=${order.behave}`;
      return undefined;
    case 'submit': {
      const { prompt: text, timeoutMs, attemptsMax, sessionId } = order;
      const taskId = TaskId.parse(uuidv7(clock()));
      const session = sessionId === undefined ? {} : { sessionId };
      const what = { owner, prompt: { kind: 'inline', text }, priority: 'normal', timeoutMs, attemptsMax } as const;
      await handleTask(`task/${taskId}`, { type: 'submit', ...what, ...session }, origin);
      return taskId;
    }
    case 'cancel':
      await handleTask(`task/${order.taskId}`, { type: 'request-cancel' }, origin);
      return undefined;
    case 'heard':
      await when(order.taskId, (task) => task.seq > 0 || isOver(task));
      return undefined;
    case 'outcome':
      return when(order.taskId, isOver);
    case 'facts':
      return store.readStream(`task/${order.taskId}`, 0, 100_000);
    case 'result': {
      const { result } = await read(order.taskId);
      return result ? readText(result, artifacts) : '';
    }
    case 'session':
      return (await store.readRow(`session/${order.sessionId}`))?.row;
    case 'close-all':
      // A task that is over may not have given its session back yet.
      await eventually(() => worker.pool.load.active === 0 || undefined, 'sessions stay busy');
      await Promise.all(worker.pool.sessions.map(({ sessionId }) => worker.pool.close(sessionId, 'requested')));
      return undefined;
    case 'sweep':
      return keeping.sweep((name) => worker.pool.holds(name));
    case 'is-polluted':
      return 'polluted' in {};
    case 'leak':
      leaked.push(Buffer.alloc(order.mebibytes * 1024 * 1024, 1));
      return undefined;
  }
};

const answer = async (message: unknown): Promise<void> => {
  const { id, order } = Sent.parse(message);
  const said = await obey(order).then(
    (value) => ({ id, value }),
    (fault: unknown) => ({ id, fault: String(fault) }),
  );
  process.send?.(said);
};

await runMain(async (stop) => {
  const { agentsDir, sessionsDir, recordDir } = config;
  await Promise.all([agentsDir, sessionsDir, recordDir].map((path) => mkdir(path, { recursive: true })));
  process.on('message', (message) => void answer(message));
  log('worker.started', { workerId });
  await worker.run(stop);
});

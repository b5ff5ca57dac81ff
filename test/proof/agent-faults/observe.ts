/** Lets a worker meet one behaviour, and writes down everything that can be seen of it. */
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskId } from '#events/ids.ts';
import type { Task } from '#events/task.ts';
import { eventually } from '#test/support/eventually.ts';
import type { Behaviour } from '../../../services/local/demo-agent/behaviours.ts';
import { byEffort } from '../effort.ts';
import type { Fact } from './orders.ts';
import type { LogLine, Process, WalledWorker } from './wall.ts';

/** What ends a hang: the limit of the task, or the worker's limit on silence. */
export type Limit = 'task' | 'silence';

export type Trial = {
  readonly row: Behaviour;
  readonly limit: Limit;
  readonly isolation: 'namespace' | 'group';
  readonly amount?: number;
};

export type Seen = Trial & {
  readonly task: Task;
  readonly facts: readonly Fact[];
  /** Facts that came after the outcome had been seen. */
  readonly late: number;
  readonly result: string;
  /** What an honest agent answers to the same prompt. */
  readonly honest: string;
  readonly limitMs: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** How the session stood after the outcome. */
  readonly session: string | undefined;
  /** Another task on the same worker, and where the first one was completed one more in its conversation. */
  readonly next: Task;
  readonly again: Task | undefined;
  readonly left: readonly Process[];
  readonly grownMiB: number;
  readonly log: readonly LogLine[];
  readonly isPolluted: boolean;
  readonly wasFooled: boolean;
  /** The work directory after it was swept. */
  readonly workDirectoryStays: boolean;
};

export const prompt = 'reverse abcdefg';
/** Long enough for every turn that ends by itself. */
const patienceMs = byEffort({ ci: 60_000, full: 600_000 });
export const silenceMs = 1_500;
export const hangMs = 1_000;
/** From the stop to an empty tree: ten seconds to SIGKILL, and two to be buried. */
export const ladderMs = 12_000;

const hangs = ({ outcomes }: Behaviour): boolean => outcomes.includes('timed-out');

export const observe = async (worker: WalledWorker, trial: Trial, honest: string): Promise<Seen> => {
  const { row, limit, amount } = trial;
  const spec = amount === undefined ? row.name : `${row.name}:${amount}`;
  const logged = worker.log().length;
  const earlier = worker.others().map(({ pid }) => pid);
  const before = worker.residentMiB();
  worker.takePeakMiB();
  const limitMs = hangs(row) ? (limit === 'task' ? hangMs : silenceMs) : patienceMs;
  const timeoutMs = limit === 'task' ? limitMs : patienceMs;
  const startedAt = Date.now();
  if (row.startOnly) await worker.ask('play', { behave: spec });
  const text = row.startOnly ? prompt : `behave: ${spec}\n${prompt}`;
  const taskId = await worker.ask('submit', { prompt: text, timeoutMs, attemptsMax: 1 });
  if (row.outcomes.includes('cancelled')) {
    await worker.ask('heard', { taskId });
    await worker.ask('cancel', { taskId });
  }
  const task = await worker.ask('outcome', { taskId });
  const endedAt = Date.now();
  const grownMiB = worker.takePeakMiB() - before;
  const facts = await worker.ask('facts', { taskId });
  const { sessionId } = task;
  const standing = async () => (sessionId ? (await worker.ask('session', { sessionId }))?.status : undefined);
  if (row.watch.includes('session is closed')) {
    const isClosed = async () => (await standing()) === 'closed' || undefined;
    await eventually(isClosed, 'the session stays open').catch(() => undefined);
  }
  const session = await standing();
  const again =
    task.status === 'completed' ? await run(worker, { timeoutMs: patienceMs, sessionId, attemptsMax: 3 }) : undefined;
  await worker.ask('play', {});
  const next = await run(worker, { timeoutMs: patienceMs });
  const wasFooled = globSync(join(worker.dataDir, '**', 'git-was-fooled')).length > 0;
  await worker.ask('close-all');
  const left = await buried(worker, earlier);
  await recorded(worker);
  await worker.ask('sweep');
  return {
    ...trial,
    ...{ task, facts, honest, limitMs, startedAt, endedAt, session, next, again, left, grownMiB, wasFooled },
    late: (await worker.ask('facts', { taskId })).length - facts.length,
    result: await worker.ask('result', { taskId }),
    log: worker.log().slice(logged),
    isPolluted: await worker.ask('is-polluted'),
    workDirectoryStays: existsSync(join(worker.dataDir, 'sessions', sessionId ?? '')),
  };
};

type Asked = {
  readonly timeoutMs: number;
  readonly attemptsMax?: number;
  readonly prompt?: string;
  readonly sessionId?: Task['sessionId'];
};

export const run = async (worker: WalledWorker, asked: Asked): Promise<Task> => {
  const taskId: TaskId = await worker.ask('submit', { prompt, attemptsMax: 1, ...asked });
  return worker.ask('outcome', { taskId });
};

/** Of every agent that was started it is told how it ended; the line comes when its last process is gone. */
const recorded = async (worker: WalledWorker): Promise<void> => {
  const count = (...events: readonly string[]) => worker.log().filter(({ event }) => events.includes(event)).length;
  const isTold = () => count('agent.stopped', 'agent.lost') >= count('agent.started') || undefined;
  await eventually(isTold, 'an end is not told', ladderMs).catch(() => undefined);
};

/** What still lives, of what was not there `earlier`, when everything had the time to end. */
export const buried = async (worker: WalledWorker, earlier: readonly number[] = []): Promise<readonly Process[]> => {
  const left = () => worker.others().filter(({ pid }) => !earlier.includes(pid));
  await eventually(() => left().length === 0 || undefined, 'some live', ladderMs).catch(() => undefined);
  return left();
};

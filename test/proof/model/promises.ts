/** What is promised in every state of the protocol, and what it means that all is done. */
import { isDeepStrictEqual } from 'node:util';
import { catalog } from '#events/catalog.ts';
import { isOver } from '#events/task.ts';
import type { StoredTaskEvent } from '#events/task.ts';
import type { State } from './state.ts';
import type { TaskLife } from './store.ts';

const outcomes: ReadonlySet<string> = new Set(['TaskCompleted', 'TaskFailed', 'TaskCancelled']);

/** Whoever reconciles may end any attempt; the others only the one they were given. */
const rescuers = /^(api|worker:.*080\d$)/;

/** The attempts a stream tells of: each greater than all before, and each written by nobody but its worker. */
const brokenAttempts = (facts: readonly StoredTaskEvent[]): string | undefined => {
  let [running, last, worker] = [false, 0, ''];
  for (const fact of facts) {
    if (fact.type === 'TaskStarted') {
      if (fact.attempt <= last) return `attempt ${fact.attempt} starts after attempt ${last}`;
      if (running) return `attempt ${fact.attempt} starts while attempt ${last} runs`;
      [running, last, worker] = [true, fact.attempt, `worker:${fact.workerId}`];
    } else if (fact.type === 'TaskRetried') {
      running = false;
    } else if ('attempt' in fact) {
      if (fact.attempt !== last) return `${fact.type} of attempt ${fact.attempt} after attempt ${last} began`;
      if (rescuers.test(fact.actor)) continue;
      if (!running || fact.actor !== worker) return `${fact.type} by a worker whose attempt is over`;
    }
  }
  return undefined;
};

const brokenLife = ({ version, facts, row }: TaskLife): string | undefined => {
  if (facts.length !== version || facts.some((fact, index) => fact.version !== index + 1))
    return 'versions are not dense';
  if (facts.filter(({ type }) => outcomes.has(type)).length > 1) return 'a task has two outcomes';
  const end = facts.findIndex(({ type }) => outcomes.has(type));
  if (end !== -1 && end < facts.length - 1) return `${facts[end + 1]?.type ?? ''} follows the outcome`;
  if (!isDeepStrictEqual(catalog.task.rebuild(facts), row)) return 'the row is not the fold of the facts';
  return brokenAttempts(facts);
};

const judged = new WeakMap<TaskLife, string | false>();
const judge = (life: TaskLife): string | undefined => {
  const known = judged.get(life) ?? brokenLife(life) ?? false;
  judged.set(life, known);
  return known === false ? undefined : known;
};

export const brokenPromise = ({ tasks, submits, log }: State): string | undefined => {
  for (const [index, { life }] of tasks.entries()) {
    const told = submits[index]?.told;
    if (told === 'accepted' && life.version === 0) return 'an acknowledged task is not in the store';
    if (told === 'refused' && life.version > 0)
      return 'a task is in the store whose client was told that it was refused';
    const broken = judge(life);
    if (broken !== undefined) return broken;
  }
  const isDense = log.unread.every(({ position }, index) => position === log.head - log.unread.length + index + 1);
  return isDense ? undefined : 'positions of the log are not dense';
};

/** Everything stored has ended and was announced, everybody was answered, and every worker is free for more. */
export const isDone = ({ tasks, log, submits, cancels, workers }: State): boolean =>
  log.unread.length === 0 &&
  tasks.every(({ life: { row } }) => row.status === 'absent' || isOver(row)) &&
  [...submits, ...cancels].every(({ call }) => call === undefined) &&
  workers.every(({ at }) => at === 'free');

/** The rules about what clients were told: it is stored, it ends, it happens once, and it never becomes older. */
import { rootOf } from '#events/envelope.ts';
import type { StreamId } from '#events/envelope.ts';
import { z } from 'zod';
import type { StoredFact } from '#platform/store.ts';
import type { Breach, History, Operation, Rule } from './history.ts';

const outcomes: Readonly<Record<string, string>> = {
  TaskCompleted: 'completed',
  TaskFailed: 'failed',
  TaskCancelled: 'cancelled',
};
const Marked = z.looseObject({ metadata: z.looseObject({ mark: z.string() }) });

const tasksOf = ({ stored }: History): [StreamId, readonly StoredFact[]][] =>
  [...stored.streams].filter(([stream]) => stream.startsWith('task/'));

/** The tasks that each mark led to. */
const byMark = (history: History): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const [stream, facts] of tasksOf(history)) {
    const { data } = Marked.safeParse(facts[0]);
    if (data) found.set(data.metadata.mark, [...(found.get(data.metadata.mark) ?? []), rootOf(stream)]);
  }
  return found;
};

/** Several tries of one submission share a mark; what any of them was told holds for all. */
const submissions = function* (history: History): Generator<Breach> {
  const tasks = byMark(history);
  const tries = Map.groupBy(
    history.operations.filter(({ what }) => what === 'submit'),
    ({ about }) => about,
  );
  for (const [mark, operations] of tries) {
    const found = tasks.get(mark) ?? [];
    const told = new Set(operations.flatMap(({ outcome, seen }) => (outcome === 'ok' && seen ? [seen.taskId] : [])));
    if (found.length > 1) yield { rule: 'once', about: mark, what: `became ${found.length} tasks` };
    if (told.size > 1) yield { rule: 'once', about: mark, what: `was acknowledged as ${[...told].join(' and ')}` };
    for (const taskId of told)
      if (!found.includes(taskId)) yield { rule: 'lost', about: mark, what: `was acknowledged as ${taskId}` };
    if (operations.every(({ outcome }) => outcome === 'fail') && found.length > 0)
      yield { rule: 'refused', about: mark, what: 'was refused, and is stored' };
  }
};

const cancels = function* ({ operations, stored }: History): Generator<Breach> {
  for (const { what, about, outcome } of operations) {
    if (what !== 'cancel' || outcome !== 'ok') continue;
    const facts = stored.streams.get(`task/${about}`) ?? [];
    if (!facts.some(({ type }) => type === 'TaskCancelRequested'))
      yield { rule: 'lost', about: `task/${about}`, what: 'has no word of a cancel that was acknowledged' };
  }
};

/** However a task came into being, known or unknown to whoever asked for it, it ends. */
const ended = function* (history: History): Generator<Breach> {
  for (const [stream, facts] of tasksOf(history))
    if (!facts.some(({ type }) => type in outcomes))
      yield { rule: 'ended', about: stream, what: `stands at ${facts.at(-1)?.type ?? 'nothing'}` };
};

type Read = Operation & { readonly endedAt: number; readonly seen: NonNullable<Operation['seen']> };
const isRead = (operation: Operation): operation is Read =>
  operation.outcome === 'ok' && operation.endedAt !== undefined && operation.seen !== undefined;

/** What one answer has shown, no question asked afterwards may miss; an acknowledged submission shows version 1. */
const reads = function* ({ operations, stored }: History): Generator<Breach> {
  const answered = operations.filter(isRead).filter(({ what }) => what !== 'cancel');
  for (const [taskId, ofTask] of Map.groupBy(answered, ({ seen }) => seen.taskId)) {
    const byEnd = ofTask.toSorted((a, b) => a.endedAt - b.endedAt);
    let known = 0;
    let ends = 0;
    for (const { invokedAt, seen } of ofTask.toSorted((a, b) => a.invokedAt - b.invokedAt)) {
      for (; (byEnd[ends]?.endedAt ?? Infinity) < invokedAt; ends += 1)
        known = Math.max(known, byEnd[ends]?.seen.version ?? 0);
      if (seen.version < known)
        yield { rule: 'reads', about: `task/${taskId}`, what: `was at ${known} and then at ${seen.version}` };
    }
    yield* shownOutcomes(taskId, ofTask, stored.streams.get(`task/${taskId}`) ?? []);
  }
};

const shownOutcomes = function* (taskId: string, shown: readonly Read[], facts: readonly StoredFact[]) {
  const stored = facts.flatMap(({ type }) => outcomes[type] ?? []);
  const wrong = new Set(
    shown.flatMap(({ seen: { status } }) =>
      Object.values(outcomes).includes(status) && status !== stored[0] ? [status] : [],
    ),
  );
  for (const status of wrong)
    yield { rule: 'outcome', about: `task/${taskId}`, what: `was shown as ${status}, stored is ${stored.join()}` };
};

/** A subscriber has each version once, from the first on; one that was told it is over has them all. */
const watched = function* ({ watched: all = [], stored }: History): Generator<Breach> {
  for (const { stream, versions, over } of all) {
    const known = [...stored.streams].find(([name]) => name === stream)?.[1].length ?? 0;
    const gap = versions.findIndex((version, index) => version !== index + 1);
    if (gap !== -1) yield { rule: 'watched', about: stream, what: `${versions[gap] ?? 0} came as number ${gap + 1}` };
    else if (versions.length > known || (over && versions.length < known))
      yield { rule: 'watched', about: stream, what: `${versions.length} facts were shown, ${known} are stored` };
  }
};

const survivors = function* ({ survivors: all = [] }: History): Generator<Breach> {
  for (const about of all) yield { rule: 'survivor', about, what: 'outlived its owner' };
};

export const answeredRules: readonly Rule[] = [submissions, cancels, ended, reads, watched, survivors];

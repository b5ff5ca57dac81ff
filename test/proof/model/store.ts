/** The store of the model: what one transaction checks and writes, all at once or not at all. */
import type { StreamId } from '#events/envelope.ts';
import { task } from '#events/task.ts';
import type { Task, TaskEvent } from '#events/task.ts';
import { refusalOf } from '#platform/dynamodb/transaction.ts';
import { taskId } from '#test/support/ids.ts';
import { livesOf } from './lives.ts';
import type { Change, Life } from './lives.ts';

export type TaskLife = Life<Task, TaskEvent>;
export const taskLives = livesOf(task);
export const streamOf = (index: number): StreamId => `task/${taskId(index + 1)}`;

/** A task in the store. `silent`: the heartbeat on its row is older than a lease; without one, too. */
export type Stored = { readonly life: TaskLife; readonly silent: boolean };

/** The stream as it was at a version, for those who know no more of it. */
export const lifeAt = (life: TaskLife, version: number): TaskLife =>
  life.version > version && life.before ? lifeAt(life.before, version) : life;

/** What an entry of the log says to the relay: the task to announce, or that no queue wants to hear of this commit. */
export type Entry = { readonly position: number; readonly announces: number | undefined };

export type Store = {
  readonly tasks: readonly Stored[];
  /** One shard, which is the hardest case: everybody writes to its end. What nobody will read again is left out. */
  readonly log: { readonly head: number; readonly unread: readonly Entry[] };
};

/** One append on its way: `change` is good for one version, and `position` was free when it was sent. */
export type Write = {
  readonly task: number;
  /** The number of the writer. */
  readonly by: number;
  readonly change: Change<Task, TaskEvent>;
  readonly position: number;
  readonly onlyIfSilent: boolean;
  readonly beats: boolean;
};

/** What the store checks; each is taken away once, to see that it is needed. */
export type StoreRules = { readonly checksVersion: boolean; readonly checksPosition: boolean };

export type Answer = 'appended' | 'conflict' | 'fenced' | 'contended';

export const storedAt = (store: Store, index: number): Stored => {
  const stored = store.tasks[index];
  if (!stored) throw new Error(`there is no task ${index}`);
  return stored;
};

/** The store holds this very write: what a writer without an answer looks for. */
export const holdsOwn = (store: Store, { task: index, change }: Write): boolean => {
  const there = storedAt(store, index).life.facts.find(({ version }) => version === change.expected + 1);
  return there !== undefined && there.id === change.facts[0]?.id;
};

const refused = { Code: 'ConditionalCheckFailed' } as const;
const fine = { Code: 'None' } as const;
const answers = new Map<string, Answer>();

/** The refusal as `dynamodb/transaction.ts` reads it, where the item of the row is at `version`. */
const answerOf = (isTaken: boolean, isMoved: boolean, isFenced: boolean): Answer => {
  if (!isTaken && !isMoved && !isFenced) return 'appended';
  const key = `${isTaken} ${isMoved} ${isFenced}`;
  const known = answers.get(key);
  if (known !== undefined) return known;
  const row = { ...refused, Item: { version: { N: isMoved ? '2' : '1' } } };
  const reasons = [isTaken ? refused : fine, isMoved || isFenced ? row : fine, isMoved ? refused : fine];
  const outcome = refusalOf(['log', 'row', 'fact'], reasons, 1).outcome?.outcome ?? 'contended';
  if (outcome === 'duplicate') throw new Error('no write of the model has a key');
  answers.set(key, outcome);
  return outcome;
};

const isWorkFor = ({ type }: TaskEvent): boolean => type === 'TaskSubmitted' || type === 'TaskRetried';

/** The transaction happens, at one moment: all conditions hold and everything is written, or nothing is. */
export const execute = <S extends Store>(store: S, write: Write, rules: StoreRules): { store: S; answer: Answer } => {
  const { task: index, change, position, onlyIfSilent, beats } = write;
  const { life, silent } = storedAt(store, index);
  const { head, unread } = store.log;
  const isTaken = rules.checksPosition && position <= head;
  const isMoved = rules.checksVersion && life.version !== change.expected;
  const answer = answerOf(isTaken, isMoved, onlyIfSilent && !silent);
  if (answer !== 'appended') return { store, answer };
  const entry = { position, announces: change.facts.some(isWorkFor) ? index : undefined };
  const tasks = store.tasks.with(index, { life: taskLives.grow(life, change), silent: silent && !beats });
  return { store: { ...store, tasks, log: { head: Math.max(head, position), unread: [...unread, entry] } }, answer };
};

/** The appends of real tasks, and the very transactions that the store makes of them, recorded before anything is measured. */
import type { TransactWriteItemsCommandInput } from '@aws-sdk/client-dynamodb';
import { catalog } from '#events/catalog.ts';
import { absent } from '#events/decider.ts';
import { rootOf } from '#events/envelope.ts';
import { AccountId, TaskId } from '#events/ids.ts';
import { task } from '#events/task.ts';
import type { TaskCommand, TaskState } from '#events/task.ts';
import { dynamoClient } from '#platform/dynamodb/client.ts';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { handler } from '#platform/handle.ts';
import type { Names } from '#platform/names.ts';
import type { Append, Origin } from '#platform/store.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { sessionId, workerId } from '#test/support/ids.ts';

export type AppendArguments = Parameters<Append>;

const origin: Origin = { actor: 'local:bench', correlationId: 'bench' };

export const message = 'Explain what this function does, and write a test for its edge cases.';

export const submission: Extract<TaskCommand, { type: 'submit' }> = {
  type: 'submit',
  ...{ owner: AccountId.parse('benchAAAAAAA'), prompt: { kind: 'inline', text: message }, priority: 'normal' },
  ...{ timeoutMs: 300_000, attemptsMax: 3 },
};

const text = 'The function reads the stream after a version, and gives what it finds in order. '.repeat(3);

/** What is appended for a task to which this happens, at one moment. */
const appendsOf = async (commands: readonly TaskCommand[], now: number): Promise<AppendArguments[]> => {
  const taskId = TaskId.parse(uuidv7(now));
  const appends: AppendArguments[] = [];
  const append: Append = async (...given) => {
    appends.push(given);
    const [stream, , facts] = given;
    return { outcome: 'appended', commit: { shard: 0, position: 1, stream, facts } };
  };
  const handle = handler(task, catalog.task.parseRow, { append, readRow: async () => undefined }, () => now);
  let known: { state: TaskState; version: number } = { state: absent, version: 0 };
  for (const command of commands) {
    const handled = await handle(`task/${taskId}`, command, origin, { known });
    if (handled.outcome !== 'appended') throw new Error(`${command.type} was ${handled.outcome}`);
    known = handled;
  }
  return appends;
};

const start: TaskCommand = { type: 'start', workerId: workerId(1), sessionId: sessionId(1) };

export const submittedTask = (now: number): Promise<AppendArguments[]> => appendsOf([submission], now);

/** Submitted, started, and then so many reports. */
export const reportingTask = (reports: number, now: number): Promise<AppendArguments[]> => {
  const updates = [{ kind: 'text' as const, text }];
  const progress = Array.from({ length: reports }, (_, index): TaskCommand => {
    return { type: 'progress', attempt: 1, seq: index + 1, updates };
  });
  return appendsOf([submission, start, ...progress], now);
};

/** Submitted with an idempotency key, started, completed, and all of it in one append: half the items, and the same fold. */
export const finishedTask = async (now: number): Promise<AppendArguments> => {
  const result = { kind: 'inline', text } as const;
  const complete: TaskCommand = { type: 'complete', attempt: 1, result, stopReason: 'end_turn' };
  const appends = await appendsOf([submission, start, complete], now);
  const [stream, , , options] = appends.at(-1) ?? [];
  if (stream === undefined || options === undefined) throw new Error('a finished task leaves nothing behind');
  const accepted = { taskId: rootOf(stream), status: 'pending', createdAt: new Date(now).toISOString() };
  const repeated = { requestHash: '0'.repeat(64), result: JSON.stringify(accepted), expiresAt: now + 86_400_000 };
  return [stream, 0, appends.flatMap(([, , facts]) => facts), { ...options, dedupe: { key: stream, ...repeated } }];
};

export type Recorder = {
  /** What our store would send for each of these, in order, to tables in which only what it recorded before was written. */
  readonly transactionsOf: (appends: readonly AppendArguments[]) => Promise<TransactWriteItemsCommandInput[]>;
};

const isTransaction = (commandName: string, input: object): input is TransactWriteItemsCommandInput =>
  commandName === 'TransactWriteItemsCommand' && 'TransactItems' in input;

export const recorder = (names: Names, shards: number): Recorder => {
  let sent: TransactWriteItemsCommandInput[] = [];
  const client = dynamoClient({ region: 'us-east-1' });
  client.middlewareStack.add(
    (_next, { commandName = '' }) =>
      async ({ input }) => {
        if (isTransaction(commandName, input)) sent.push(input);
        return { output: { $metadata: {} }, response: {} };
      },
    { step: 'initialize', priority: 'high', name: 'record' },
  );
  const store = dynamoStore({ client, names, shards, clock: Date.now });
  return {
    transactionsOf: async (appends) => {
      sent = [];
      for (const append of appends) await store.append(...append);
      return sent;
    },
  };
};

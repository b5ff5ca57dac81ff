/** A worker's hand without a worker: makes accounts and moves tasks on, through the same store as the services do. */
import assert from 'node:assert/strict';
import { account } from '#events/account.ts';
import type { Role } from '#events/account.ts';
import { catalog } from '#events/catalog.ts';
import type { StreamId } from '#events/envelope.ts';
import { SessionId, TaskId, WorkerId } from '#events/ids.ts';
import type { AccountId } from '#events/ids.ts';
import { task } from '#events/task.ts';
import type { StoredTaskEvent, Task, TaskCommand } from '#events/task.ts';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { handler } from '#platform/handle.ts';
import type { Loaded } from '#platform/handle.ts';
import { makeAccountId, makeKey } from '#platform/http/api-key.ts';
import type { MadeKey } from '#platform/http/api-key.ts';
import { issueKey } from '#platform/http/keys-issue.ts';
import { silent } from '#platform/log.ts';
import { wakePublisher, wakeTopicArn } from '#platform/sns/wake-publisher.ts';
import type { Store } from '#platform/store.ts';
import { uuidv7 } from '#platform/uuid.ts';
import type { Aws } from '#test/support/aws.ts';

const origin = { actor: 'worker:proof', correlationId: 'proof' } as const;
const newId = (): string => uuidv7(Date.now());

export type Account = { readonly accountId: AccountId; readonly role: Role; readonly key: MadeKey };

/** A task that is being worked on. */
export type Work = {
  readonly owner: AccountId;
  readonly stream: StreamId;
  /** Appends one fact with this text. */
  readonly speak: (text: string) => Promise<void>;
  /** Appends a fact for each text, all in one commit. */
  readonly speakAtOnce: (texts: readonly string[]) => Promise<void>;
  readonly complete: () => Promise<void>;
};

export type Writer = AsyncDisposable & {
  readonly store: Store;
  /** When the append of a fact returned, by the fact's id; on the clock of `performance`. */
  readonly committedAt: ReadonlyMap<string, number>;
  readonly invite: (name: string, role?: Role) => Promise<Account>;
  readonly anotherKey: (account: Account) => Promise<Account>;
  readonly revoke: (account: Account) => Promise<void>;
  readonly submit: (owner: AccountId) => Promise<Work>;
};

const promptOf = (text: string) => ({ kind: 'inline', text }) as const;

export const openWriter = async (aws: Aws): Promise<Writer> => {
  const { dynamodb, sns } = aws.clients;
  const topicArn = await wakeTopicArn(sns, aws.names.wakeTopic);
  const wakes = wakePublisher({ client: sns, topicArn, instanceId: 'writer', coalesceMs: 20, log: silent });
  const clock = Date.now;
  const store = dynamoStore({ client: dynamodb, names: aws.names, shards: 16, clock, onCommit: wakes.announce });
  const handleTask = handler(task, catalog.task.parseRow, store, clock);
  const handleAccount = handler(account, catalog.account.parseRow, store, clock);
  const committedAt = new Map<string, number>();

  const submit = async (owner: AccountId): Promise<Work> => {
    const stream = `task/${TaskId.parse(newId())}` as const;
    let known: Loaded<Task> | undefined;
    let seq = 0;
    const move = async (command: TaskCommand): Promise<void> => {
      const moved = await handleTask(stream, command, origin, known ? { known } : {});
      assert.equal(moved.outcome, 'appended');
      known = moved;
      for (const { id } of moved.commit.facts) committedAt.set(id, performance.now());
    };
    const limits = { priority: 'normal', timeoutMs: 60_000, attemptsMax: 3 } as const;
    await move({ type: 'submit', owner, prompt: promptOf('go'), ...limits });
    await move({ type: 'start', workerId: WorkerId.parse(newId()), sessionId: SessionId.parse(newId()) });
    return {
      ...{ owner, stream },
      speak: (text) => move({ type: 'progress', attempt: 1, seq: (seq += 1), updates: [{ kind: 'text', text }] }),
      speakAtOnce: async (texts) => {
        assert.ok(known && known.state.status !== 'absent');
        const { state, version } = known;
        const facts = texts.map((text, index): StoredTaskEvent => ({
          ...{
            type: 'TaskProgressed',
            v: 1,
            attempt: 1,
            seq: (seq += 1),
            updates: [{ kind: 'text', text }],
            ...origin,
          },
          ...{ id: newId(), stream, version: version + index + 1, at: new Date(clock()).toISOString() },
        }));
        const row = facts.reduce<Task>(task.evolve, state);
        assert.equal((await store.append(stream, version, facts, { row })).outcome, 'appended');
        known = { state: row, version: version + facts.length };
      },
      complete: () => move({ type: 'complete', attempt: 1, result: promptOf('done'), stopReason: 'end_turn' }),
    };
  };

  return {
    ...{ store, committedAt, submit },
    invite: async (name, role = 'member') => {
      const accountId = makeAccountId();
      const key = makeKey(accountId);
      await issueKey({ accountId, name, role, key }, store, clock, origin);
      return { accountId, role, key };
    },
    anotherKey: async (holder) => {
      const key = makeKey(holder.accountId);
      const { keyId, secretSha256 } = key;
      const command = { type: 'issue-key', name: 'another', keyId, secretSha256 } as const;
      await handleAccount(`account/${holder.accountId}`, command, origin);
      return { ...holder, key };
    },
    revoke: async ({ accountId, key: { keyId } }) => {
      await handleAccount(`account/${accountId}`, { type: 'revoke-key', keyId }, origin);
    },
    [Symbol.asyncDispose]: () => wakes[Symbol.asyncDispose](),
  };
};

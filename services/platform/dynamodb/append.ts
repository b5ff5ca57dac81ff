/** The append: one transaction, and what is done when it is refused, when it collides, and when nobody answers. */
import { randomUUID } from 'node:crypto';
import {
  DynamoDBServiceException,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import type {
  CancellationReason,
  DynamoDBClient,
  TransactWriteItem,
  TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { StreamId } from '#events/envelope.ts';
import { checkAppend } from '../append-check.ts';
import { fullJitter, pause } from '../backoff.ts';
import type { Names } from '../names.ts';
import { shardOf } from '../shard.ts';
import type { Append, AppendOutcome, OnCommit } from '../store.ts';
import type { CommitMemory } from './commit-memory.ts';
import { untilCalm } from './contention.ts';
import type { Try } from './contention.ts';
import type { Facts } from './facts.ts';
import type { Rows } from './rows.ts';
import { isBusy, isExpected, refusalOf, transactionOf } from './transaction.ts';
import type { Write } from './transaction.ts';
import { turns } from './turns.ts';

export type AppendDeps = {
  readonly client: DynamoDBClient;
  readonly names: Pick<Names, 'tables'>;
  readonly shards: number;
  readonly clock: () => number;
  readonly onCommit?: OnCommit;
};

/** After the first answer that did not come. The SDK repeats no transaction, so that this is all that a busy store gets. */
const unansweredTriesMax = 3;
const pauseBaseMs = 50;
const pauseCapMs = 1_000;

const busy: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'TransactionInProgressException',
]);

/** Refused for good is only what the service itself said so of; without a word from it, the transaction may have happened. */
const isRefused = (fault: unknown): boolean =>
  fault instanceof DynamoDBServiceException && fault.$fault === 'client' && !busy.has(fault.name);

type Fate =
  { readonly position: number } | { readonly reasons: readonly CancellationReason[]; readonly cause: unknown };

/** Sends a transaction and leaves it to the caller to repeat it: the SDK would do so without reading back first. */
const sendOnce = async (client: DynamoDBClient, input: TransactWriteItemsCommandInput): Promise<void> => {
  const request = new TransactWriteItemsCommand(input);
  let failed: { readonly cause: unknown } | undefined;
  request.middlewareStack.add(
    (next) => (args) =>
      next(args).catch((cause: unknown) => {
        failed = { cause };
        return { response: undefined, output: { $metadata: {} } };
      }),
    { step: 'finalizeRequest', priority: 'high', name: 'sendOnce' },
  );
  await client.send(request);
  if (failed) throw failed.cause;
};

/** Sends one transaction until it is known what became of it: read back, and if it is not there, the very same again. */
const settle = async (
  client: DynamoDBClient,
  { stream, position, items }: { stream: StreamId; position: number; items: TransactWriteItem[] },
  findOwn: () => Promise<number | undefined>,
): Promise<Fate> => {
  const request = { TransactItems: items, ClientRequestToken: randomUUID() };
  for (let unanswered = 0; ; unanswered += 1) {
    try {
      await sendOnce(client, request);
      return { position };
    } catch (cause) {
      const reasons = cause instanceof TransactionCanceledException ? (cause.CancellationReasons ?? []) : undefined;
      if (reasons && isExpected(reasons) && !isBusy(reasons)) return { reasons, cause };
      if (reasons ? !isExpected(reasons) : isRefused(cause))
        throw new Error(`the append to ${stream} was refused`, { cause });
      await pause(fullJitter(unanswered, pauseBaseMs, pauseCapMs));
      // A store that does not answer writes may not answer reads either; the next try will tell.
      const own = await findOwn().catch(() => undefined);
      if (own !== undefined) return { position: own };
      if (unanswered === unansweredTriesMax)
        throw new Error(`nobody knows whether the append to ${stream} happened: the store does not answer`, { cause });
    }
  }
};

export const appendWith = (
  deps: AppendDeps,
  stored: Facts,
  rows: Rows,
  commits: Pick<CommitMemory, 'remember'>,
): Append => {
  const { client, names, shards, clock, onCommit } = deps;
  const inTurn = turns();
  /** The newest position of each shard as this process knows it. */
  const heads = new Map<number, number>();

  const attempt = async (write: Write, shard: number): Promise<Try<AppendOutcome>> => {
    const { stream, expected, facts, texts } = write;
    const appended = (position: number) => {
      commits.remember({ shard, position, stream }, `[${texts.join(',')}]`);
      return { done: { outcome: 'appended', commit: { shard, position, stream, facts } } } as const;
    };
    const position = (heads.get(shard) ?? (await stored.readHead(shard))) + 1;
    const { items, roles } = transactionOf(names.tables, write, { shard, position });
    const findOwn = () => stored.positionOf(stream, expected + 1, facts[0]?.id);
    const fate = await settle(client, { stream, position, items }, findOwn);
    if ('position' in fate) {
      heads.set(shard, fate.position);
      return appended(fate.position);
    }
    heads.delete(shard);
    const { mayBeOwn, outcome } = refusalOf(roles, fate.reasons, expected);
    const own = mayBeOwn ? await findOwn() : undefined;
    if (own !== undefined) return appended(own);
    return outcome ? { done: outcome } : { contended: fate.cause };
  };

  return async (stream, expected, facts, options) => {
    const texts = checkAppend(stream, expected, facts, options);
    const fieldsBefore = await rows.fieldsAt(stream, expected);
    const write = { stream, expected, facts, texts, options, fieldsBefore, now: clock() };
    const shard = shardOf(stream, shards);
    const result = await untilCalm(`append to ${stream}`, () => inTurn(shard, () => attempt(write, shard)));
    if (result.outcome !== 'appended') return result;
    rows.rememberFields(stream, expected + facts.length, options.row);
    if (onCommit) queueMicrotask(() => onCommit(result.commit));
    return result;
  };
};

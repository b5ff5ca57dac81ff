/** What AWS can do to one request: the columns of the matrix. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import {
  cancelled,
  connectionReset,
  itemInTransaction,
  responseLost,
  throttledBy,
  timedOutBeforeCommit,
  unavailable,
} from '#test/support/faulty-aws.ts';
import type { Call, Fault } from '#test/support/faulty-aws.ts';

/** What a fault needs of the world: somebody else, whose requests always arrive. */
export type Others = {
  /** Takes the next position of the shard. */
  readonly takePosition: (shard: number) => Promise<void>;
  /** Asks that the task stop; false when it is no task, or over. */
  readonly requestCancel: (taskId: string) => Promise<boolean>;
};

export type Column = {
  readonly name: string;
  readonly matches: (call: Call) => boolean;
  /** In how many ways this request can be struck; one where it is not said. */
  readonly variants?: (call: Call) => number;
  readonly strike: (call: Call, variant: number, others: Others) => Fault | undefined;
  /** Every request at once, not one after the other. */
  readonly everywhere?: true;
};

const always = (): boolean => true;
const first =
  (fault: (call: Call) => Fault): Column['strike'] =>
  (call) =>
    call.attempt === 1 ? fault(call) : undefined;

/** Struck once, and struck however often it is repeated. */
const twice = (name: string, fault: (call: Call) => Fault): Column[] => [
  { name, matches: always, strike: first(fault) },
  { name: `${name}, for good`, matches: always, strike: fault },
];

const Transaction = z.object({
  TransactItems: z
    .array(
      z.object({
        Put: z.object({ Item: z.looseObject({ pk: z.object({ S: z.string() }) }) }).optional(),
        Update: z.object({ Key: z.looseObject({ taskId: z.object({ S: z.string() }).optional() }) }).optional(),
      }),
    )
    .min(1),
});
const itemsOf = (call: Call) => Transaction.parse(call.input).TransactItems;
const isTransaction = ({ command }: Call): boolean => command === 'TransactWriteItemsCommand';
const shardOf = (call: Call): number => Number(itemsOf(call)[0]?.Put?.Item.pk.S.slice('L#'.length));
const taskOf = (call: Call): string | undefined =>
  itemsOf(call).flatMap(({ Update }) => Update?.Key.taskId?.S ?? [])[0];

const perItem = (name: string, Code: string): Column => ({
  name,
  matches: isTransaction,
  variants: (call) => itemsOf(call).length,
  strike: (call, variant) => (call.attempt === 1 ? cancelled(variant, Code) : undefined),
});

/** Somebody else is faster, once. */
const overtaken = (name: string, overtake: (call: Call, others: Others) => Promise<unknown>): Column => ({
  name,
  matches: isTransaction,
  strike: (call, _, others) =>
    call.attempt === 1
      ? async (send) => {
          await overtake(call, others);
          return send();
        }
      : undefined,
});

const single = new Set(['UpdateItemCommand', 'PutItemCommand', 'DeleteItemCommand']);

/** As much slower as everything else here is faster: two seconds of the real system. */
const slowMs = 200;
const slow: Fault = async (send) => {
  await delay(slowMs);
  return send();
};

export const columns: readonly Column[] = [
  ...twice('throttled', ({ service }) => throttledBy(service)),
  ...twice('unavailable', ({ service }) => unavailable(service)),
  ...twice('connection reset', () => connectionReset),
  ...twice('timed out before commit', () => timedOutBeforeCommit),
  ...twice('response lost', () => responseLost),
  perItem('conflict with a transaction', 'TransactionConflict'),
  perItem('throttled item', 'ThrottlingError'),
  {
    name: 'item in a transaction',
    matches: ({ command }) => single.has(command),
    strike: first(() => itemInTransaction),
  },
  overtaken('log position taken', (call, { takePosition }) => takePosition(shardOf(call))),
  {
    ...overtaken('cancelled meanwhile', (call, { requestCancel }) => requestCancel(taskOf(call) ?? '')),
    matches: (call) => isTransaction(call) && taskOf(call) !== undefined && !isSubmission(call),
  },
  { name: 'slow', matches: always, strike: () => slow, everywhere: true },
];

const isSubmission = (call: Call): boolean => JSON.stringify(call.input).includes('TaskSubmitted');

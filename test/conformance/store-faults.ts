/** What an append comes to when DynamoDB is busy, slow or silent. Held against every engine, with faults no engine shows by itself. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Store } from '#platform/store.ts';
import {
  cancelled,
  injectFaults,
  itemInTransaction,
  late,
  responseLost,
  serverError,
  throttled,
  timedOutBeforeCommit,
} from '../support/faulty-aws.ts';
import type { Fault, Plan } from '../support/faulty-aws.ts';
import { append, assertNothing, commitOf, newTask, outcomeOf, testsFor, wholeLog } from './fixtures.ts';
import type { KnownDifferences } from './fixtures.ts';

/** Opens stores over the same new tables; `prepare` gets the client of each. Without `sdkAttempts` the SDK repeats nothing. */
export type OpenFaulty = () => Promise<
  (prepare?: (client: DynamoDBClient) => DynamoDBClient, sdkAttempts?: number) => Store
>;

/** The fault for the first transaction and none after it. */
const first =
  (fault: Fault): Plan =>
  (nth) =>
    nth === 1 ? fault : undefined;

const tokenOf = (input: unknown): unknown =>
  typeof input === 'object' && input !== null && 'ClientRequestToken' in input ? input.ClientRequestToken : undefined;

export const storeFaults = (name: string, open: OpenFaulty, known: KnownDifferences = {}): void => {
  const it = testsFor(known);

  const onTransactions = async (plan: Plan, sdkAttempts = 1) => {
    const connect = await open();
    const faulty = connect((client) => injectFaults(client, { TransactWriteItemsCommand: plan }), sdkAttempts);
    return { faulty, store: connect() };
  };

  /** One append through `faulty` succeeds, is there once, and the next one follows it. */
  const assertAppendedOnce = async ({ faulty, store }: { faulty: Store; store: Store }): Promise<void> => {
    const stream = newTask();
    const commit = commitOf(await append(faulty, stream, 0));
    assert.deepEqual(await store.readStream(stream, 0), commit.facts);
    assert.deepEqual(await wholeLog(store), [commit]);
    assert.equal((await store.readRow(stream))?.version, 1);
    assert.equal(commitOf(await append(faulty, stream, 1)).position, commit.position + 1);
  };

  describe(`${name}: faults`, () => {
    for (const [index, item] of ['log position', 'row', 'fact'].entries())
      for (const code of ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'])
        it(`a transaction cancelled by ${code} on its ${item} is no failure`, async () => {
          const faults = (nth: number) => (nth <= 3 ? cancelled(index, code) : undefined);
          await assertAppendedOnce(await onTransactions(faults));
        });

    const faults = { responseLost, timedOutBeforeCommit, serverError, throttled };
    for (const [fault, inject] of Object.entries(faults)) {
      it(`an append that meets ${fault} is appended exactly once`, async () => {
        await assertAppendedOnce(await onTransactions(first(inject)));
      });
      it(`an append that meets ${fault} is appended exactly once where the SDK tries again`, async () => {
        await assertAppendedOnce(await onTransactions(first(inject), 3));
      });
    }

    it('an append without an answer is sent again as the very same transaction', async () => {
      const tokens: unknown[] = [];
      const { faulty } = await onTransactions((nth, input) => {
        tokens.push(tokenOf(input));
        return nth <= 2 ? timedOutBeforeCommit : undefined;
      });
      assert.equal(await outcomeOf(append(faulty, newTask(), 0)), 'appended');
      assert.equal(tokens.length, 3);
      assert.equal(typeof tokens[0], 'string');
      assert.equal(new Set(tokens).size, 1);
    });

    it('a lost response is not mistaken for a duplicate or for a conflict', async () => {
      const { faulty, store } = await onTransactions(first(responseLost));
      const dedupe = { key: 'key', requestHash: 'hash', result: 'result', expiresAt: Number.MAX_SAFE_INTEGER };
      assert.equal(await outcomeOf(append(faulty, newTask(), 0, { dedupe })), 'appended');
      assert.equal(await outcomeOf(append(store, newTask(), 0, { dedupe })), 'duplicate');
      assert.equal((await wholeLog(store)).length, 1);
    });

    it('an append whose response was lost is found although others have gone on since', async () => {
      const stream = newTask();
      const connect = await open();
      const store = connect();
      const lostAndOvertaken: Fault = async (send) => {
        await send();
        await append(store, stream, 1);
        return timedOutBeforeCommit(send);
      };
      const plan = { TransactWriteItemsCommand: first(lostAndOvertaken) };
      const commit = commitOf(
        await append(
          connect((client) => injectFaults(client, plan)),
          stream,
          0,
        ),
      );
      assert.equal(commit.position, 1);
      assert.equal((await store.readRow(stream))?.version, 2);
    });

    it('a request that arrives after its sender gave up on it changes nothing', async () => {
      const straggler = late();
      const { faulty, store } = await onTransactions(first(straggler.fault));
      const stream = newTask();
      const commit = commitOf(await append(faulty, stream, 0));
      await append(store, stream, 1);
      // Refused, or the same transaction to an engine that remembers its token.
      await straggler.arrive().catch(() => undefined);
      assert.equal((await store.readRow(stream))?.version, 2);
      assert.deepEqual(
        (await wholeLog(store)).map(({ position }) => position),
        [1, 2],
      );
      assert.deepEqual((await wholeLog(store))[0], commit);
    });

    it('an append that nobody ever answers throws after four tries, and leaves nothing', async () => {
      let tries = 0;
      const { faulty, store } = await onTransactions(() => {
        tries += 1;
        return timedOutBeforeCommit;
      });
      const stream = newTask();
      await assert.rejects(append(faulty, stream, 0), (fault: Error) => {
        assert.match(fault.message, /nobody knows whether the append to task\/.* happened/);
        assert(fault.cause instanceof Error);
        assert.equal(fault.cause.name, 'TimeoutError');
        return true;
      });
      assert.equal(tries, 4);
      await assertNothing(store, stream);
    });

    it('an append is sent four times at most, also where the SDK would repeat each of them', async () => {
      const tokens: unknown[] = [];
      const { faulty } = await onTransactions((_, input) => {
        tokens.push(tokenOf(input));
        return throttled;
      }, 3);
      await assert.rejects(append(faulty, newTask(), 0), /nobody knows whether the append to task\/.* happened/);
      assert.equal(tokens.length, 4);
    });

    it('a transaction cancelled because there is too much at once is sent four times at most', async () => {
      let tries = 0;
      const { faulty, store } = await onTransactions(() => {
        tries += 1;
        return cancelled(0, 'ThrottlingError');
      });
      const stream = newTask();
      await assert.rejects(append(faulty, stream, 0), /nobody knows whether the append to task\/.* happened/);
      assert.equal(tries, 4);
      await assertNothing(store, stream);
    });

    it('an append whose last response was lost is still found', async () => {
      const { faulty } = await onTransactions((nth) => (nth < 4 ? timedOutBeforeCommit : responseLost));
      assert.equal(await outcomeOf(append(faulty, newTask(), 0)), 'appended');
    });

    it('reads that fail while an append is being settled do not change its outcome', async () => {
      const connect = await open();
      const plans = { TransactWriteItemsCommand: first(timedOutBeforeCommit), GetItemCommand: first(serverError) };
      const faulty = connect((client) => injectFaults(client, plans));
      await assertAppendedOnce({ faulty, store: connect() });
    });

    it('what the service refuses for good is not tried again', async () => {
      let tries = 0;
      const { faulty, store } = await onTransactions((nth) => {
        tries = nth;
        return undefined;
      });
      const stream = newTask();
      // An empty text cannot be the key of an index.
      const appending = append(faulty, stream, 0, { fields: { status: '' } });
      await assert.rejects(appending, /the append to task\/.* was refused/);
      assert.equal(tries, 1);
      await assertNothing(store, stream);
    });

    it('a transaction cancelled because it cannot be is a fault with its cause', async () => {
      let tries = 0;
      const { faulty, store } = await onTransactions((nth) => {
        tries = nth;
        return cancelled(1, 'ValidationError');
      });
      const stream = newTask();
      await assert.rejects(append(faulty, stream, 0), (fault: Error) => {
        assert.match(fault.message, /the append to task\/.* was refused/);
        assert(fault.cause instanceof Error);
        assert.equal(fault.cause.name, 'TransactionCanceledException');
        return true;
      });
      assert.equal(tries, 1);
      await assertNothing(store, stream);
    });

    it('a row that leaves a list while the list is read is not shown', async () => {
      const connect = await open();
      const stream = newTask();
      const overtaken: Fault = async (send) => {
        const answer = await send();
        await append(store, stream, 1, { fields: { status: 'completed' } });
        return answer;
      };
      const store = connect();
      await append(store, stream, 0, { fields: { status: 'pending' } });
      const reader = connect((client) => injectFaults(client, { QueryCommand: first(overtaken) }));
      const by = { field: 'status', equals: 'pending' } as const;
      assert.deepEqual((await reader.listRows('task', { by, order: 'newest-first', limit: 5 })).rows, []);
    });

    it('marks wait for the transaction that holds their row', async () => {
      const connect = await open();
      const plans = { UpdateItemCommand: (nth: number) => (nth <= 2 ? itemInTransaction : undefined) };
      const store = connect((client) => injectFaults(client, plans));
      const stream = newTask();
      await append(store, stream, 0);
      assert.equal(await store.markRow(stream, { heartbeatAt: 1 }, []), 'marked');
      assert.deepEqual((await store.readRow(stream))?.marks, { heartbeatAt: 1 });
    });
  });
};

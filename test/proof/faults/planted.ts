/** Faults planted into what the services stand on: what this programme must catch, or it proves nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { TransactionCanceledException, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { checkAppend } from '#platform/append-check.ts';
import { transactionOf, refusalOf } from '#platform/dynamodb/transaction.ts';
import { detailOf, eventSource } from '#platform/eventbridge/publisher.ts';
import type { PublishFacts } from '#platform/eventbridge/publisher.ts';
import type { Names } from '#platform/names.ts';
import { shardOf } from '#platform/shard.ts';
import type { Append, Store } from '#platform/store.ts';

/** Takes silence for failure: what was not answered is done again as if nothing had happened. */
export const doesNotReadBack =
  (client: DynamoDBClient, { tables }: Names) =>
  (store: Store): Store => {
    const append: Append = async (stream, expected, facts, options) => {
      const texts = checkAppend(stream, expected, facts, options);
      const shard = shardOf(stream, store.shards);
      const write = { stream, expected, facts, texts, options, fieldsBefore: [], now: Date.now() };
      for (;;) {
        const position = (await store.readHead(shard)) + 1;
        const { items, roles } = transactionOf(tables, write, { shard, position });
        try {
          await client.send(new TransactWriteItemsCommand({ TransactItems: items }));
          return { outcome: 'appended', commit: { shard, position, stream, facts } };
        } catch (fault) {
          if (!(fault instanceof TransactionCanceledException)) continue;
          const { outcome } = refusalOf(roles, fault.CancellationReasons ?? [], expected);
          if (outcome) return outcome;
        }
      }
    };
    return { ...store, append };
  };

const underWayMs = 50;

/** Says that it is written while it may still be on its way. */
export const acknowledgesFirst = (store: Store): Store => ({
  ...store,
  append: async (stream, expected, facts, options) => {
    store.append(stream, expected, facts, options).catch(() => undefined);
    await delay(underWayMs);
    return { outcome: 'appended', commit: { shard: 0, position: 1, stream, facts } };
  },
});

/** Does not look at what the bus says of each entry. */
export const believesTheBus =
  (client: EventBridgeClient, bus: string): PublishFacts =>
  async (facts) => {
    const Entries = facts.map((fact) => ({
      ...{ Source: eventSource, DetailType: fact.type, EventBusName: bus },
      Detail: JSON.stringify(detailOf(fact)),
    }));
    await client.send(new PutEventsCommand({ Entries }));
  };

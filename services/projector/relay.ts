/** The relay: every fact in the log is announced on the bus, in the order of its shard, at least once. */
import type { PublishFacts } from '#platform/eventbridge/publisher.ts';
import type { Log } from '#platform/log.ts';
import type { Commit, ReadLog } from '#platform/store.ts';
import { subscribe } from '#platform/subscribe.ts';
import type { OnWake } from '#platform/subscribe.ts';
import { traced } from '#platform/telemetry.ts';
import type { Follow } from './shards.ts';

/** The name under which its positions are remembered. */
export const relaySubscription = 'relay';

export type RelayOptions = {
  readonly readLog: ReadLog;
  readonly onWake: OnWake;
  readonly pollMs: number;
  readonly publish: PublishFacts;
  readonly log: Log;
};

/** A position is remembered after the bus took everything up to it, so nothing stored stays unannounced. */
export const relay =
  ({ publish, ...reading }: RelayOptions): Follow =>
  ({ shard, position, remember }, signal) =>
    subscribe(
      {
        ...reading,
        cursor: new Map([[shard, position]]),
        apply: (commit) => announce(commit, publish),
        remember: (_, applied) => remember(applied),
      },
      signal,
    );

/** One span a commit, in the trace of whoever wrote it; what belongs to no trace begins none. */
const announce = async ({ stream, facts }: Commit, publish: PublishFacts): Promise<void> => {
  const [first] = facts;
  if (first?.traceparent === undefined) return publish(facts);
  const options = { kind: 'producer', parent: first.traceparent, attributes: { stream } } as const;
  return traced(`publish ${first.type}`, options, () => publish(facts));
};

/** Announces stored facts on the bus: what happened and where it is written, never what was said. */
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { EventBridgeClient, PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { catalog } from '#events/catalog.ts';
import { kindOf } from '#events/envelope.ts';
import { fullJitter, pause } from '../backoff.ts';
import type { StoredFact } from '../store.ts';
import { currentTraceparent } from '../telemetry.ts';

/** What rules name as the source of all our events. */
export const eventSource = 'kiro-dispatch';

/** A routed value is a name or a number. Longer text is left out: no rule matches it, and an event stays a few hundred bytes. */
const routedCharsMax = 256;

const isRouted = (value: unknown): boolean =>
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  (typeof value === 'string' && value.length <= routedCharsMax);

/** The envelope and the fields that the catalog lets rules match. */
export const detailOf = (fact: StoredFact): Readonly<Record<string, unknown>> => {
  const { stream, version, type, v, at, actor, correlationId, causationId } = fact;
  // What comes of it belongs under its publishing, where that is traced.
  const traceparent = currentTraceparent() ?? fact.traceparent;
  const fields: Readonly<Record<string, unknown>> = fact;
  const routed = catalog[kindOf(stream)].routed.map((field) => [field, fields[field]] as const);
  return {
    ...{ stream, version, type, v, at, actor, correlationId },
    ...(causationId !== undefined && { causationId }),
    ...(traceparent !== undefined && { traceparent }),
    ...Object.fromEntries(routed.filter(([, value]) => isRouted(value))),
  };
};

/** Resolves when the bus has accepted every fact; rejects otherwise, and then any of them may have been accepted. */
export type PublishFacts = (facts: readonly StoredFact[]) => Promise<void>;

/** The most that PutEvents takes. */
const entriesMax = 10;
const triesMax = 4;
/** The SDK waits for ever by default, and the whole shard would wait with it. */
const answerMs = 10_000;

type EventPublisherOptions = { readonly client: EventBridgeClient; readonly bus: string };

export const eventPublisher = ({ client, bus }: EventPublisherOptions): PublishFacts => {
  /** Gives back the entries that were not accepted, and what was said of the first of them. */
  const put = async (entries: readonly PutEventsRequestEntry[]) => {
    const request = new PutEventsCommand({ Entries: [...entries] });
    const { Entries: results = [] } = await client.send(request, { abortSignal: AbortSignal.timeout(answerMs) });
    const failed = entries.filter((_, index) => results[index]?.EventId === undefined);
    return { failed, said: results.find(({ ErrorCode }) => ErrorCode !== undefined) };
  };
  const putAll = async (entries: readonly PutEventsRequestEntry[]): Promise<void> => {
    let { failed, said } = await put(entries);
    for (let tries = 1; failed.length > 0; tries += 1) {
      if (tries === triesMax) {
        const what = `the bus refused ${failed.length} of ${entries.length} events ${triesMax} times`;
        throw new Error(`${what}: ${said?.ErrorCode ?? 'no reason'} ${said?.ErrorMessage ?? ''}`);
      }
      await pause(fullJitter(tries, 50, 2_000));
      ({ failed, said } = await put(failed));
    }
  };
  return async (facts) => {
    const entries = facts.map((fact) => ({
      Source: eventSource,
      DetailType: fact.type,
      EventBusName: bus,
      Time: new Date(fact.at),
      Detail: JSON.stringify(detailOf(fact)),
    }));
    for (let first = 0; first < entries.length; first += entriesMax)
      await putAll(entries.slice(first, first + entriesMax));
  };
};

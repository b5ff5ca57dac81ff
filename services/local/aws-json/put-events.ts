/** EventBridge's PutEvents: what is accepted is on disk, for every matching target, before it is answered. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { account } from './arn.ts';
import type { Deliveries, Delivery } from './delivery.ts';
import { BusName } from './events.ts';
import type { Rules } from './rules.ts';
import { AwsFault, operation } from './server.ts';
import type { Operations } from './server.ts';

export type Detail = Readonly<Record<string, unknown>>;
export type BusEvent = {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Detail;
  readonly resources: readonly string[];
  readonly atMs: number;
};

/** Writes an event as its targets will see it, once per target. */
export type Address = (bus: string, event: BusEvent) => { readonly id: string; readonly deliveries: Delivery[] };

export const addressWith =
  (rules: Rules, region: string): Address =>
  (bus, { source, detailType, detail, resources, atMs }) => {
    const id = randomUUID();
    const time = `${new Date(atMs).toISOString().slice(0, 19)}Z`;
    const event = { version: '0', id, 'detail-type': detailType, source, account, time, region, resources, detail };
    const body = JSON.stringify(event);
    return { id, deliveries: rules.targetsFor(bus, event).map((targetArn) => ({ targetArn, body })) };
  };

const Entry = z.strictObject({
  EventBusName: BusName,
  Source: z.string().default(''),
  DetailType: z.string().default(''),
  Detail: z.string().default(''),
  Resources: z.array(z.string()).default([]),
  /** Seconds since 1970. */
  Time: z.number().optional(),
  TraceHeader: z.string().optional(),
});
type Entry = z.infer<typeof Entry>;

const bytesMax = 1_048_576;
const sizeOf = ({ Source, DetailType, Detail, Resources, Time }: Entry): number =>
  [Source, DetailType, Detail, ...Resources].reduce(
    (bytes, text) => bytes + Buffer.byteLength(text),
    Time === undefined ? 0 : 14,
  );

type Checked = { readonly detail: Detail } | { readonly ErrorCode: string; readonly ErrorMessage: string };

const parseDetail = (text: string): Checked => {
  try {
    return { detail: z.record(z.string(), z.unknown()).parse(JSON.parse(text)) };
  } catch {
    return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  }
};

const check = (entry: Entry, rules: Rules): Checked => {
  for (const field of ['Source', 'DetailType', 'Detail'] as const) {
    if (entry[field] !== '') continue;
    const ErrorMessage = `Parameter ${field} is not valid. Reason: ${field} is a required argument.`;
    return { ErrorCode: 'InvalidArgument', ErrorMessage };
  }
  if (entry.Source.startsWith('aws.')) {
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
  }
  // AWS takes such an event and drops it; here a mistake in the set-up is better told than hidden.
  if (!rules.hasBus(entry.EventBusName)) {
    return { ErrorCode: 'InvalidArgument', ErrorMessage: `Event bus ${entry.EventBusName} does not exist.` };
  }
  return parseDetail(entry.Detail);
};

const PutEvents = z.strictObject({ Entries: z.array(Entry).min(1).max(10) });

export const putEvents = (rules: Rules, address: Address, deliveries: Deliveries, now: () => number): Operations => ({
  'AWSEvents.PutEvents': operation(PutEvents, ({ Entries }) => {
    if (Entries.reduce((bytes, entry) => bytes + sizeOf(entry), 0) > bytesMax) {
      throw new AwsFault('ValidationException', 'Total size of the entries in the request is over the limit.');
    }
    const results = Entries.map((entry) => {
      const checked = check(entry, rules);
      if (!('detail' in checked)) return { failure: checked };
      const { EventBusName, Source: source, DetailType: detailType, Resources: resources, Time } = entry;
      const atMs = Time === undefined ? now() : Time * 1000;
      return { event: address(EventBusName, { source, detailType, resources, atMs, detail: checked.detail }) };
    });
    deliveries.accept(results.flatMap(({ event }) => event?.deliveries ?? []));
    return {
      FailedEntryCount: results.filter(({ failure }) => failure !== undefined).length,
      Entries: results.map(({ event, failure }) => failure ?? { EventId: event.id }),
    };
  }),
});

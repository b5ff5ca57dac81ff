/** What surrounds every stored fact: where it stands, when it happened, who did it and what led to it. */
import { z } from 'zod';

export const streamKinds = ['task', 'session', 'lock', 'build', 'account'] as const;
export const StreamKind = z.enum(streamKinds);
export type StreamKind = z.infer<typeof StreamKind>;

/** `<kind>/<id>`: one aggregate. An id may itself contain slashes, as the key of a lock does. */
export type StreamId = `${StreamKind}/${string}`;
export const streamKey = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:#/-]{0,199}$/);
export const StreamId = z.templateLiteral([StreamKind, '/', streamKey]);

export const kindOf = (stream: StreamId): StreamKind => StreamKind.parse(stream.slice(0, stream.indexOf('/')));

/** The ordering root: everything said about one task, session, lock or build has one order in the log. */
export const rootOf = (stream: StreamId): string => stream.slice(stream.indexOf('/') + 1);

/** Who made a fact true: `<kind>:<id>`, such as `account:4f…` for a key's owner or `worker:01…` for a service instance. */
export const Actor = z.templateLiteral([
  z.enum(['account', 'api', 'worker', 'projector', 'poller', 'builder', 'local']),
  ':',
  z.string().min(1),
]);
export type Actor = z.infer<typeof Actor>;

export const Envelope = z.object({
  /** UUIDv7, made by the writer: the same fact sent twice is recognised by it. */
  id: z.uuid(),
  stream: StreamId,
  /** Dense from 1 within the stream. */
  version: z.int().positive(),
  /** ISO 8601, UTC, the writer's clock. For people: order comes from `version` and from the log. */
  at: z.iso.datetime(),
  actor: Actor,
  /** The request or message that everything in this chain goes back to. */
  correlationId: z.string().min(1).max(200),
  /** The id of the fact that led to this one, where one did. */
  causationId: z.string().min(1).max(200).optional(),
  /** W3C trace context of the writer, so that one trace spans request, bus, worker and agent. */
  traceparent: z.string().max(100).optional(),
});
export type Envelope = z.infer<typeof Envelope>;

type OwnFields = z.core.$ZodLooseShape & { [Field in keyof Envelope]?: never };

/**
 * The schema of one fact: its name, its version, what it means in one sentence (`docs/events.md` is made from it) and its
 * own fields, none of which may be called as a field of the envelope.
 */
export const factSchema = <Type extends string, Version extends number, Shape extends OwnFields>(
  type: Type,
  v: Version,
  meaning: string,
  shape: Shape,
) => z.object({ type: z.literal(type), v: z.literal(v), ...shape }).describe(meaning);

/** A fact as it is stored and read: its envelope and its own fields side by side. */
export type Recorded<Fact> = Envelope & Fact;

/** Joins envelope and fact while reading; a field that neither knows is dropped, so newer writers do not break older readers. */
export const recordedParser =
  <Fact extends object>(fact: z.ZodType<Fact>) =>
  (stored: unknown): Recorded<Fact> => ({ ...fact.parse(stored), ...Envelope.parse(stored) });

/** The messages of the live channel. What a client says passes these schemas; what we say is made here. */
import { z } from 'zod';
import { StreamId } from '#events/envelope.ts';
import { jsonText } from '#platform/json.ts';

const Stream = z.union([StreamId, z.literal('$mine')]);

export const ClientMessage = jsonText(
  z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('subscribe'),
      stream: Stream,
      /** The version after which to begin, or for `$mine` the cursor of the last message that was seen. */
      after: z.union([z.int().nonnegative(), z.string().max(2_000)]).optional(),
    }),
    z.strictObject({ type: z.literal('unsubscribe'), stream: Stream }),
    z.strictObject({ type: z.literal('ping') }),
  ]),
);
export type ClientMessage = z.infer<typeof ClientMessage>;
export type Subscribe = Extract<ClientMessage, { type: 'subscribe' }>;

export type LiveErrorCode =
  | 'invalid-message'
  | 'not-found'
  | 'already-subscribed'
  | 'not-subscribed'
  | 'too-many-subscriptions'
  | 'invalid-cursor'
  | 'cursor-too-old'
  | 'too-slow'
  | 'unavailable';

/** Where a subscription goes on without missing or repeating anything. */
export type Resume = { readonly stream: string; readonly after: number | string };

const bytes = (message: object): Buffer => Buffer.from(JSON.stringify(message));

export const pong = bytes({ type: 'pong' });

/** All that was there has been sent; what comes from here on comes as it happens. */
export const liveMessage = (stream: string, more: { readonly cursor?: string } = {}): Buffer =>
  bytes({ type: 'live', stream, ...more });

export const errorMessage = (
  code: LiveErrorCode,
  message: string,
  more: { readonly stream?: string; readonly resume?: Resume } = {},
): Buffer => bytes({ type: 'error', code, message, ...more });

/** Why we close (RFC 6455, section 7.4). */
export const closeCodes = { restart: 1012, tryLater: 1013, silent: 1001, keyGone: 4401 } as const;

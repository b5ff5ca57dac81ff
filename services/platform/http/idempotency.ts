/** `Idempotency-Key`: the same request sent twice happens once, and a key is not two requests. */
import { createHash } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import type { Dedupe } from '../store.ts';
import type { Principal } from './principal.ts';

export const IdempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
  .openapi({ description: 'A repeat within 24 hours gets the first answer again and changes nothing.' });

export const idempotencyMs = 24 * 60 * 60 * 1000;

/** The same value in the same text, whatever the order its fields came in. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

export type IdempotentRequest = {
  readonly principal: Principal;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
};

/** Keys belong to an account: two accounts may choose the same one. */
export const requestHash = ({ principal, method, path, body }: IdempotentRequest): string =>
  createHash('sha256')
    .update([principal.accountId, method, path, canonicalJson(body)].join('\n'))
    .digest('hex');

export const dedupeOf = (key: string, request: IdempotentRequest, result: string, nowMs: number): Dedupe => ({
  key: `${request.principal.accountId}:${key}`,
  requestHash: requestHash(request),
  result,
  expiresAt: nowMs + idempotencyMs,
});

/** What the load generator is asked for, and what it tells: both cross a process border as JSON. */
import { z } from 'zod';

export const Order = z.object({
  port: z.int(),
  keys: z.array(z.string()).min(1),
  /** Bodies of submissions, taken in turn. */
  bodies: z.array(z.string()).min(1),
  durationMs: z.int().positive(),
  /** Open loop at this rate; without it every connection asks again as soon as it was answered. */
  perSecond: z.number().positive().optional(),
  connectionsMax: z.int().positive(),
  /** The ids of accepted tasks go here, one a line. */
  acceptedFile: z.string(),
});
export type Order = z.infer<typeof Order>;

/** Of durations, in milliseconds. */
export const Quantiles = z.object({ count: z.int(), p50: z.number(), p99: z.number(), max: z.number() });

export const LoadReport = z.object({
  asked: z.int(),
  /** Scheduled and never sent, as no connection became free before the end. */
  unsent: z.int(),
  /** Asked, and the connection broke. */
  unanswered: z.int(),
  statuses: z.record(z.string(), z.int()),
  /** Answers that are neither an acceptance nor a 429 or 503 with `Retry-After` and a problem; the first few. */
  improper: z.array(z.string()),
  improperCount: z.int(),
  /** From writing the request to reading the answer. */
  accepted: Quantiles,
  rejected: Quantiles,
  /** From the moment the request was due to reading the answer: what a client that cannot wait sees. */
  fromSchedule: Quantiles,
  /** From the moment it was due to writing it: the generator's own delay. */
  sendLag: Quantiles,
  acceptedBySecond: z.array(z.int()),
});
export type LoadReport = z.infer<typeof LoadReport>;

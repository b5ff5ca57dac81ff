/** How a failure is told: what went wrong and what the reader can do about it. */
import { z } from 'zod';

export const ErrorClass = z.enum([
  'agent-failed',
  'agent-unavailable',
  'timed-out',
  'worker-lost',
  'budget-exceeded',
  'invalid-input',
  'internal',
]);
export type ErrorClass = z.infer<typeof ErrorClass>;

/** `retryable` says whether the same request may succeed later. */
export const TaskError = z.object({
  class: ErrorClass,
  message: z.string(),
  remedy: z.string(),
  retryable: z.boolean(),
});
export type TaskError = z.infer<typeof TaskError>;

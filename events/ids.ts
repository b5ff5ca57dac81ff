/** Names of things. Each is its own type, so that two strings cannot be swapped. */
import { z } from 'zod';

export const TaskId = z.uuidv7().brand('TaskId');
export type TaskId = z.infer<typeof TaskId>;

export const SessionId = z.uuidv7().brand('SessionId');
export type SessionId = z.infer<typeof SessionId>;

export const AccountId = z
  .string()
  .regex(/^[A-Za-z0-9]{12}$/)
  .brand('AccountId');
export type AccountId = z.infer<typeof AccountId>;

/** One run of a worker process; a restarted worker is another worker. */
export const WorkerId = z.uuidv7().brand('WorkerId');
export type WorkerId = z.infer<typeof WorkerId>;

export const BuildId = z.uuidv7().brand('BuildId');
export type BuildId = z.infer<typeof BuildId>;

/** The node id of an item on a GitHub Project board. */
export const WorkItemId = z.string().min(1).max(200).brand('WorkItemId');
export type WorkItemId = z.infer<typeof WorkItemId>;

/** The milliseconds since 1970 that the first 48 bits of a UUIDv7 hold (RFC 9562, section 5.7). */
export const timeOf = (uuidv7: string): number => Number.parseInt(uuidv7.slice(0, 8) + uuidv7.slice(9, 13), 16);

/** What the processes of the missed-nothing test tell each other. */
import { z } from 'zod';
import { StreamId } from '#events/envelope.ts';

/** From a writer: this append was acknowledged. */
export const Acknowledged = z.object({ shard: z.int(), position: z.int(), stream: StreamId });
export type Acknowledged = z.infer<typeof Acknowledged>;

/** To a reader. */
export const Woken = z.object({ shard: z.int(), position: z.int() });

/** From a reader: so many effects are in its sink. */
export const Reached = z.object({ effects: z.int() });

export const WriterWork = z.object({ appends: z.int(), atOnce: z.int() });

export const ReaderWork = z.object({
  sink: z.string(),
  /** For a reader of the log. */
  shards: z.array(z.int()),
  /** The commit to the sink at which it kills itself, after the work and before it is noted: the worst moment there is. */
  diesAtCommit: z.int().optional(),
});
export type ReaderWork = z.infer<typeof ReaderWork>;

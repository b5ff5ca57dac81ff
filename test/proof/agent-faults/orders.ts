/** What a worker on trial can be told by the programme that put it there, and what it says back. */
import { z } from 'zod';
import { SessionId, TaskId } from '#events/ids.ts';
import { Task } from '#events/task.ts';

export const Order = z.discriminatedUnion('do', [
  /** From now on agents are started with this behaviour; without one they are honest. */
  z.object({ do: z.literal('play'), behave: z.string().optional() }),
  z.object({
    do: z.literal('submit'),
    prompt: z.string(),
    timeoutMs: z.int(),
    attemptsMax: z.int(),
    sessionId: SessionId.optional(),
  }),
  z.object({ do: z.literal('cancel'), taskId: TaskId }),
  /** Answered when the task has said something, or is over. */
  z.object({ do: z.literal('heard'), taskId: TaskId }),
  /** Answered when the task is over. */
  z.object({ do: z.literal('outcome'), taskId: TaskId }),
  z.object({ do: z.literal('facts'), taskId: TaskId }),
  z.object({ do: z.literal('result'), taskId: TaskId }),
  /** How the session stands; undefined when there is none. */
  z.object({ do: z.literal('session'), sessionId: SessionId }),
  /** Answered when the process of every session is gone. */
  z.object({ do: z.literal('close-all') }),
  /** Removes the work directories that nobody holds. */
  z.object({ do: z.literal('sweep') }),
  /** Whether an object without properties has one. */
  z.object({ do: z.literal('is-polluted') }),
  /** Holds so much memory for ever: a planted bug. */
  z.object({ do: z.literal('leak'), mebibytes: z.int() }),
]);
export type Order = z.infer<typeof Order>;

export const Sent = z.object({ id: z.int(), order: Order });
export const Answer = z.object({ id: z.int(), value: z.unknown().optional(), fault: z.string().optional() });

export const Fact = z.looseObject({ type: z.string(), at: z.string(), version: z.int() });
export type Fact = z.infer<typeof Fact>;

const Standing = z.looseObject({ status: z.string() }).optional();

/** What each order is answered with. */
export type AnswerTo = {
  play: undefined;
  submit: TaskId;
  cancel: undefined;
  heard: undefined;
  outcome: Task;
  facts: Fact[];
  result: string;
  session: z.infer<typeof Standing>;
  'close-all': undefined;
  sweep: number;
  'is-polluted': boolean;
  leak: undefined;
};

type Reader<Value> = { readonly parse: (value: unknown) => Value };

export const answers: { readonly [Name in Order['do']]: Reader<AnswerTo[Name]> } = {
  play: z.undefined(),
  submit: TaskId,
  cancel: z.undefined(),
  heard: z.undefined(),
  outcome: Task,
  facts: z.array(Fact),
  result: z.string(),
  session: Standing,
  'close-all': z.undefined(),
  sweep: z.int(),
  'is-polluted': z.boolean(),
  leak: z.undefined(),
};

/** Every kind of stream with what the store, the log, rebuilds and the documentation need to know of it. */
import type { z } from 'zod';
import { account, Account, AccountEvent, parseAccountEvent } from './account.ts';
import { build, Build, BuildEvent, parseBuildEvent } from './build.ts';
import { absent } from './decider.ts';
import type { Absent, Decider } from './decider.ts';
import { kindOf } from './envelope.ts';
import type { Recorded, StreamId, StreamKind } from './envelope.ts';
import { lock, Lock, LockEvent, parseLockEvent } from './lock.ts';
import { parseSessionEvent, session, Session, SessionEvent } from './session.ts';
import { parseTaskEvent, task, Task, TaskEvent } from './task.ts';

type Scalar = string | number | boolean | undefined;

/** The fields that hold a scalar in any of the facts that have them. */
type ScalarField<Fact> = Fact extends unknown
  ? { [Field in keyof Fact & string]-?: Fact[Field] extends Scalar ? Field : never }[keyof Fact & string]
  : never;

/** The schema of each fact of a stream, for those who describe facts rather than read them. */
type FactSchemas = {
  readonly options: readonly z.ZodObject<{ type: z.ZodLiteral<string>; v: z.ZodLiteral<number> }>[];
};

const entry = <State extends object, Fact extends object, Command, Refusal extends string>(aggregate: {
  readonly decider: Decider<State, Fact, Recorded<Fact>, Command, Refusal>;
  readonly facts: z.ZodType<Fact> & FactSchemas;
  readonly parse: (stored: unknown) => Recorded<Fact>;
  readonly row: z.ZodType<State>;
  /** The field of the row that is the id in the name of the stream, and the key of the table of rows. */
  readonly idField: keyof State & string;
  /** The fields of facts that are copied into the announcement on the bus, so that rules can match them. */
  readonly routed: readonly ScalarField<Fact>[];
}) => ({
  ...aggregate,
  parseRow: (row: unknown): State => aggregate.row.parse(row),
  rebuild: (facts: readonly unknown[]): State | Absent =>
    facts.map(aggregate.parse).reduce<State | Absent>(aggregate.decider.evolve, absent),
});

export const catalog = {
  task: entry({
    decider: task,
    facts: TaskEvent,
    parse: parseTaskEvent,
    row: Task,
    idField: 'taskId',
    routed: ['priority', 'attempt', 'cause', 'sessionId'],
  }),
  session: entry({
    decider: session,
    facts: SessionEvent,
    parse: parseSessionEvent,
    row: Session,
    idField: 'sessionId',
    routed: ['generation', 'workerId', 'taskId', 'reason'],
  }),
  lock: entry({
    decider: lock,
    facts: LockEvent,
    parse: parseLockEvent,
    row: Lock,
    idField: 'lockKey',
    routed: ['token', 'holder', 'workItemId', 'buildId'],
  }),
  build: entry({
    decider: build,
    facts: BuildEvent,
    parse: parseBuildEvent,
    row: Build,
    idField: 'buildId',
    routed: ['workItemId', 'repository', 'branch', 'environment', 'codeBuildId', 'phase', 'willRetry', 'reason'],
  }),
  account: entry({
    decider: account,
    facts: AccountEvent,
    parse: parseAccountEvent,
    row: Account,
    idField: 'accountId',
    routed: ['role', 'keyId'],
  }),
} satisfies Record<StreamKind, unknown>;

/** Reads a stored fact of any stream. */
export const parseStored = (stream: StreamId, stored: unknown) => catalog[kindOf(stream)].parse(stored);
export type AnyStoredFact = ReturnType<typeof parseStored>;

/** Folds all facts of one stream, oldest first, into the row that stands for them. */
export const rebuild = (kind: StreamKind, facts: readonly unknown[]) => catalog[kind].rebuild(facts);

/** A lock: the right to work on something alone, proven by a token that only ever grows. Facts, fold, decisions. */
import { z } from 'zod';
import { accept, reject } from './decider.ts';
import type { Absent, Decider, Decision } from './decider.ts';
import { factSchema, recordedParser, rootOf, streamKey } from './envelope.ts';
import type { Recorded } from './envelope.ts';
import { BuildId, WorkItemId } from './ids.ts';

export const LockKey = streamKey.brand('LockKey');
export type LockKey = z.infer<typeof LockKey>;

/** The version of the stream at which the lock was acquired: later holders have larger ones, for ever. */
export const LockToken = z.int().positive().brand('LockToken');
export type LockToken = z.infer<typeof LockToken>;

const grant = z.object({
  holder: z.string().min(1),
  /** Made by the holder for this one acquisition, so that asking twice is one acquisition. */
  lockId: z.uuid(),
  workItemId: WorkItemId.optional(),
  buildId: BuildId.optional(),
  /** How long the lock lasts unless the holder renews it. */
  leaseMs: z.int().positive(),
});
const reason = z.string().min(1);

const acquired = factSchema('LockAcquired', 1, 'The holder may write what this lock protects.', {
  token: LockToken,
  ...grant.shape,
});
const released = factSchema('LockReleased', 1, 'The holder gave the lock back.', { token: LockToken });
const expired = factSchema('LockExpired', 1, 'The holder did not renew its lease in time and lost the lock.', {
  token: LockToken,
});
const forceReleased = factSchema('LockForceReleased', 1, 'An operator took the lock from its holder.', {
  token: LockToken,
  reason,
});

export const LockEvent = z.discriminatedUnion('type', [acquired, released, expired, forceReleased]);
export type LockEvent = z.infer<typeof LockEvent>;
export type StoredLockEvent = Recorded<LockEvent>;
export const parseLockEvent = recordedParser(LockEvent);

/** Whether the work behind a lock is in progress, complete or failed is said by its build, not by the lock. */
export const LockStatus = z.enum(['held', 'free']);
export type LockStatus = z.infer<typeof LockStatus>;

/**
 * The fold, and the row that readers see. Times are milliseconds since 1970. A free lock still names its last holder.
 * The row must outlive every lease: a token is a version, and versions never start again.
 */
export const Lock = grant.extend({
  lockKey: LockKey,
  status: LockStatus,
  token: LockToken,
  /** When it was acquired, the last time. */
  createdAt: z.int(),
  freedAt: z.int().optional(),
  freedBy: z.enum(['released', 'expired', 'force-released']).optional(),
  reason: reason.optional(),
  /** The version of the newest fact, from which the next token is made. */
  streamVersion: z.int().positive(),
});
export type Lock = z.infer<typeof Lock>;
export type LockState = Lock | Absent;

const evolve = (state: LockState, stored: StoredLockEvent): Lock => {
  const at = Date.parse(stored.at);
  const streamVersion = stored.version;
  if (stored.type === 'LockAcquired') {
    const lockKey = LockKey.parse(rootOf(stored.stream));
    return { ...grant.parse(stored), lockKey, status: 'held', token: stored.token, createdAt: at, streamVersion };
  }
  if (state.status === 'absent') throw new Error(`${stored.stream} starts with ${stored.type}`);
  const freed = { ...state, status: 'free', freedAt: at, streamVersion } as const;
  switch (stored.type) {
    case 'LockReleased':
      return { ...freed, freedBy: 'released' };
    case 'LockExpired':
      return { ...freed, freedBy: 'expired' };
    case 'LockForceReleased':
      return { ...freed, freedBy: 'force-released', reason: stored.reason };
  }
};

/**
 * The mark on the row that a holder moves forward while it lives, and the two conditions made of it. What is seen of a
 * lease may be old by the time of the append, so a decision made on it is only good together with `leaseOver(now)`.
 */
export const leaseMark = 'leaseUntil';
export const leaseOver = (now: number) => [{ field: leaseMark, is: 'below', to: now }] as const;
/** What the row must say whenever a holder writes: the guard of every append, and the condition of every renewal. */
export const heldWith = (token: LockToken) =>
  [
    { field: 'status', is: 'equal', to: 'held' },
    { field: 'token', is: 'equal', to: token },
  ] as const;

/** `leaseUntil`: the mark as the caller read it, if there was one; `now`: the caller's clock, milliseconds since 1970. */
type LeaseSeen = { leaseUntil?: number; now: number };

/**
 * Append `acquire` with the mark `leaseUntil: now + leaseMs` and `where: leaseOver(now)`, `expire` with that condition
 * too, and everything that frees a lock with the mark `leaseUntil: 0`. An append that is fenced found the lease renewed.
 */
export type LockCommand =
  | ({ type: 'acquire' } & z.infer<typeof grant> & LeaseSeen)
  | { type: 'release'; token: LockToken }
  | ({ type: 'expire' } & LeaseSeen)
  | { type: 'force-release'; reason: string };

export type LockRefusal = 'no-such-lock' | 'held' | 'not-the-holder';
type LockDecision = Decision<LockEvent, LockRefusal>;

/** No lease is shorter than its first grant, so a mark that was read before this acquisition cannot end it. */
const isLapsed = (lock: Lock, { leaseUntil = 0, now }: LeaseSeen): boolean =>
  Math.max(leaseUntil, lock.createdAt + lock.leaseMs) < now;

const acquire = (state: LockState, command: Extract<LockCommand, { type: 'acquire' }>): LockDecision => {
  const fact = { type: 'LockAcquired', v: 1, ...grant.parse(command) } as const;
  if (state.status === 'absent') return accept({ ...fact, token: LockToken.parse(1) });
  if (state.status === 'free') return accept({ ...fact, token: LockToken.parse(state.streamVersion + 1) });
  if (state.lockId === command.lockId) return accept();
  if (!isLapsed(state, command)) return reject('held');
  const { token, streamVersion } = state;
  return accept({ type: 'LockExpired', v: 1, token }, { ...fact, token: LockToken.parse(streamVersion + 2) });
};

const decide = (state: LockState, command: LockCommand): LockDecision => {
  if (command.type === 'acquire') return acquire(state, command);
  if (state.status === 'absent') return reject('no-such-lock');
  const { token } = state;
  if (command.type === 'release' && command.token !== token) return reject('not-the-holder');
  if (state.status === 'free') return accept();
  switch (command.type) {
    case 'release':
      return accept({ type: 'LockReleased', v: 1, token });
    case 'expire':
      return isLapsed(state, command) ? accept({ type: 'LockExpired', v: 1, token }) : reject('held');
    case 'force-release':
      return accept({ type: 'LockForceReleased', v: 1, token, reason: command.reason });
  }
};

export const lock: Decider<Lock, LockEvent, StoredLockEvent, LockCommand, LockRefusal> = { evolve, decide };

/** A lock, its holders, and the thing it protects: why a lease, and even a token, is not enough. After `events/lock.ts`. */
import { heldWith, leaseOver, lock, LockToken } from '#events/lock.ts';
import type { Lock, LockCommand, LockEvent } from '#events/lock.ts';
import { lockId } from '#test/support/ids.ts';
import { livesOf } from './lives.ts';
import type { Change, Life } from './lives.ts';
import type { Model, Step } from './search.ts';

/**
 * What a write to the protected thing is checked against: nothing at all, and any holder frees any lock (`bare`); nothing,
 * but a lock is freed by its holder only, and renewed (`lease`); also the newest token that was written (`token`); the row of
 * the lock, in the transaction of the write (`guard`), which is what is built. Under `instant` it is not even checked at
 * the write, but looking at the lock and writing are one step, which they never are.
 */
export type Design = 'bare' | 'lease' | 'token' | 'guard' | 'instant';

type LockLife = Life<Lock, LockEvent>;
type LockChange = Change<Lock, LockEvent>;

/** Looking and writing are two steps: a holder that was held up in between does not know it. */
type Holder = { readonly rounds: number } & (
  | { readonly at: 'away' }
  | { readonly at: 'taking'; readonly change: LockChange; readonly now: number }
  | { readonly at: 'holding' | 'looked' | 'written'; readonly token: LockToken; readonly renewals: number }
  | { readonly at: 'releasing'; readonly token: LockToken; readonly change: LockChange }
);

export type LockState = {
  readonly life: LockLife;
  readonly leaseUntil: number;
  readonly now: number;
  readonly holders: readonly Holder[];
  /** Tokens of writes on their way that nobody waits for. */
  readonly late: readonly LockToken[];
  /** The newest token under which the protected thing was written. */
  readonly newest: number;
  readonly misfortunes: number;
  readonly wrong: Wrong | undefined;
};

export const wrongs = ['a stale write', 'a write out of order', "the release of another's lock"] as const;
export type Wrong = (typeof wrongs)[number];

export type LockWorld = {
  readonly design: Design;
  /** How far the clock of each holder is ahead, in ticks. */
  readonly clocksAhead: readonly number[];
  readonly rounds: number;
  readonly misfortunes: number;
  /** What to look for; the rest is let pass. */
  readonly watches: readonly Wrong[];
};

const leaseTicks = 1;
const stream = 'lock/repository#branch';
const lives = livesOf(lock);

const nameOf = (index: number): string => `holder ${index + 1}`;
const put = (state: LockState, index: number, holder: Holder): LockState => ({
  ...state,
  holders: state.holders.with(index, holder),
});
const writerOf = (index: number) => ({ actor: `builder:${index + 1}`, number: index + 1, round: 0 }) as const;

/** What `heldWith` asks of the row, at this moment. */
const isHeld = ({ life: { row } }: LockState, token: LockToken): boolean =>
  heldWith(token).every((condition) => row.status !== 'absent' && row[condition.field] === condition.to);

const saw = (state: LockState, wrong: Wrong, world: LockWorld): LockState =>
  world.watches.includes(wrong) ? { ...state, wrong } : state;

/** The write reaches the protected thing, maybe long after it was sent. */
const write = (state: LockState, token: LockToken, world: LockWorld): { next: LockState; accepted: boolean } => {
  const { design } = world;
  const held = isHeld(state, token);
  if ((design === 'guard' && !held) || (design === 'token' && token < state.newest))
    return { next: state, accepted: false };
  const inOrder = token < state.newest ? saw(state, 'a write out of order', world) : state;
  const next = held ? inOrder : saw(inOrder, 'a stale write', world);
  return { next: { ...next, newest: Math.max(state.newest, token) }, accepted: true };
};

function* awaySteps(
  state: LockState,
  index: number,
  holder: Holder,
  { clocksAhead }: LockWorld,
): Iterable<Step<LockState>> {
  if (holder.rounds === 0) return;
  const now = state.now + (clocksAhead[index] ?? 0);
  const grant = { holder: nameOf(index), lockId: lockId(index * 10 + holder.rounds), leaseMs: leaseTicks };
  const command: LockCommand = { type: 'acquire', ...grant, leaseUntil: state.leaseUntil, now };
  const decided = lives.decide(stream, state.life, command, writerOf(index), now);
  if (decided.decided !== 'change') return;
  const next = put(state, index, { rounds: holder.rounds - 1, at: 'taking', change: decided.change, now });
  yield { name: `${nameOf(index)} reads, decides to acquire`, next, owed: true };
}

const takingStep = (
  state: LockState,
  index: number,
  { rounds, change, now }: Holder & { at: 'taking' },
): Step<LockState> => {
  const isOver = leaseOver(now).every(({ to }) => state.leaseUntil < to);
  if (state.life.version !== change.expected || !isOver) {
    const next = put(state, index, { rounds: rounds + 1, at: 'away' });
    return { name: `${nameOf(index)} is refused the lock`, next, owed: true };
  }
  const life = lives.grow(state.life, change);
  const token = LockToken.parse(life.version);
  const next = put({ ...state, life, leaseUntil: now + leaseTicks }, index, {
    rounds,
    at: 'holding',
    token,
    renewals: 1,
  });
  return { name: `${nameOf(index)} acquires the lock with token ${token}`, next, owed: true };
};

type Holding = Holder & { at: 'holding' | 'looked' | 'written' };

function* holdingSteps(state: LockState, index: number, holder: Holding, world: LockWorld): Iterable<Step<LockState>> {
  const { rounds, at, token, renewals } = holder;
  const { design, clocksAhead } = world;
  const name = nameOf(index);
  const away = put(state, index, { rounds, at: 'away' });
  if (at === 'holding') {
    const held = isHeld(state, token);
    if (held && design === 'instant')
      yield {
        name: `${name} looks and writes`,
        next: put(write(state, token, world).next, index, { ...holder, at: 'written' }),
        owed: true,
      };
    else if (held)
      yield {
        name: `${name} looks: it holds the lock; sends its write`,
        next: put(state, index, { ...holder, at: 'looked' }),
        owed: true,
      };
    else yield { name: `${name} looks: it lost the lock`, next: away, owed: true };
  }
  if (at === 'looked') {
    const { next, accepted } = write(state, token, world);
    const after = put(next, index, accepted ? { ...holder, at: 'written' } : { rounds, at: 'away' });
    yield {
      name: `the write of ${name} with token ${token} is ${accepted ? 'accepted' : 'refused'}`,
      next: after,
      owed: true,
    };
  }
  if (at === 'written') yield* releaseSteps(state, index, { rounds, token }, world);
  const until = state.now + (clocksAhead[index] ?? 0) + leaseTicks;
  if (design !== 'bare' && renewals > 0 && until > state.leaseUntil && isHeld(state, token))
    yield {
      name: `${name} renews its lease`,
      next: put({ ...state, leaseUntil: until }, index, { ...holder, renewals: renewals - 1 }),
      owed: true,
    };
}

/** Decided on what is read now, and good for that version only; `bare` frees whatever it finds. */
function* releaseSteps(
  state: LockState,
  index: number,
  { rounds, token }: { rounds: number; token: LockToken },
  world: LockWorld,
): Iterable<Step<LockState>> {
  const { row } = state.life;
  const isBare = world.design === 'bare' && row.status !== 'absent';
  const command: LockCommand = { type: 'release', token: isBare ? row.token : token };
  const decided = lives.decide(stream, state.life, command, writerOf(index), state.now);
  const away = put(state, index, { rounds, at: 'away' });
  if (decided.decided !== 'change') yield { name: `${nameOf(index)} has nothing to release`, next: away, owed: true };
  else if (isBare) {
    const freed = { ...away, life: lives.grow(state.life, decided.change), leaseUntil: 0 };
    const next = row.token === token ? freed : saw(freed, "the release of another's lock", world);
    yield { name: `${nameOf(index)} releases the lock`, next, owed: true };
  } else {
    const next = put(state, index, { rounds, at: 'releasing', token, change: decided.change });
    yield { name: `${nameOf(index)} reads, decides to release`, next, owed: true };
  }
}

const releasingStep = (
  state: LockState,
  index: number,
  { rounds, token, change }: Holder & { at: 'releasing' },
): Step<LockState> => {
  if (state.life.version !== change.expected) {
    const next = put(state, index, { rounds, at: 'written', token, renewals: 0 });
    return { name: `${nameOf(index)} must decide again`, next, owed: true };
  }
  const next = put({ ...state, life: lives.grow(state.life, change), leaseUntil: 0 }, index, { rounds, at: 'away' });
  return { name: `${nameOf(index)} releases the lock`, next, owed: true };
};

function* holderSteps(state: LockState, index: number, holder: Holder, world: LockWorld): Iterable<Step<LockState>> {
  switch (holder.at) {
    case 'away':
      yield* awaySteps(state, index, holder, world);
      return;
    case 'taking':
      yield takingStep(state, index, holder);
      break;
    case 'holding':
    case 'looked':
    case 'written':
      yield* holdingSteps(state, index, holder, world);
      break;
    case 'releasing':
      yield releasingStep(state, index, holder);
      break;
  }
  if (state.misfortunes === 0) return;
  const late = holder.at === 'looked' ? [...state.late, holder.token] : state.late;
  const gone = put({ ...state, late, misfortunes: state.misfortunes - 1 }, index, {
    rounds: holder.rounds,
    at: 'away',
  });
  yield { name: `${nameOf(index)} crashes`, next: gone, owed: false };
}

function* stepsOf(state: LockState, world: LockWorld): Iterable<Step<LockState>> {
  for (const [index, holder] of state.holders.entries()) yield* holderSteps(state, index, holder, world);
  for (const [index, token] of state.late.entries()) {
    const { next } = write({ ...state, late: state.late.toSpliced(index, 1) }, token, world);
    yield { name: `a late write with token ${token} arrives`, next, owed: false };
  }
  // Once the lease is over by this clock, more time changes nothing.
  const { row } = state.life;
  if (row.status === 'held' && Math.max(state.leaseUntil, row.createdAt + row.leaseMs) >= state.now)
    yield { name: 'time passes', next: { ...state, now: state.now + 1 }, owed: true };
}

export const locking = (world: LockWorld): Model<LockState> => ({
  initial: {
    ...{
      life: lives.unborn,
      leaseUntil: 0,
      now: 1,
      late: [],
      newest: 0,
      misfortunes: world.misfortunes,
      wrong: undefined,
    },
    holders: world.clocksAhead.map(() => ({ rounds: world.rounds, at: 'away' })),
  },
  steps: (state) => stepsOf(state, world),
  broken: ({ wrong }) => wrong,
  done: ({ holders }) => holders.every(({ at, rounds }) => at === 'away' && rounds === 0),
});

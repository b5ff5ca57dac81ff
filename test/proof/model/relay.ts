/** The relay alone: projectors that share one shard by a lease, publish what follows, remember how far. After `shards.ts`, `relay.ts`, `subscribe.ts`. */
import type { Model, Step } from './search.ts';

/** A run of a projector; `applied`: up to where it has published, while it follows the shard. Numbered while anybody may ask. */
type Projector = { readonly number: number; readonly applied: number | undefined };

export type RelayState = {
  /** Positions of the log that are written. */
  readonly head: number;
  readonly shard: { readonly holder: number | undefined; readonly lapsed: boolean; readonly remembered: number };
  readonly projectors: readonly Projector[];
  /** Positions that were published at least once. */
  readonly published: readonly number[];
  readonly misfortunes: number;
};

export type RelayWorld = {
  readonly commits: number;
  readonly projectors: number;
  /** Crashes, and pauses that outlast a lease. */
  readonly misfortunes: number;
  readonly remembers: 'after publishing' | 'before publishing';
};

const nameOf = ({ number }: Projector): string => `projector ${number}`;

const put = (state: RelayState, index: number, projector: Projector): RelayState => ({
  ...state,
  projectors: state.projectors.with(index, projector),
});
const spend = (state: RelayState): RelayState => ({ ...state, misfortunes: state.misfortunes - 1 });

/** The lease of a projector that lives runs out only when it was held up for so long. */
function* leaseSteps(state: RelayState): Iterable<Step<RelayState>> {
  const { shard, projectors, misfortunes } = state;
  if (shard.holder === undefined || shard.lapsed) return;
  const next = { ...state, shard: { ...shard, lapsed: true } };
  const name = `the lease of projector ${shard.holder} runs out`;
  const lives = projectors.some(({ number, applied }) => number === shard.holder && applied !== undefined);
  if (!lives) yield { name, next, owed: true };
  else if (misfortunes > 0) yield { name, next: spend(next), owed: false };
}

function* claimSteps(state: RelayState, index: number): Iterable<Step<RelayState>> {
  const { shard, projectors } = state;
  const isFirst = projectors.findIndex(({ applied }) => applied === undefined) === index;
  if (!isFirst || (shard.holder !== undefined && !shard.lapsed)) return;
  const taken = new Set([shard.holder, ...projectors.map((other) => other.number)]);
  const number =
    [...projectors.keys(), projectors.length, projectors.length + 1].find((each) => each > 0 && !taken.has(each)) ?? 0;
  const next = put({ ...state, shard: { ...shard, holder: number, lapsed: false } }, index, {
    number,
    applied: shard.remembered,
  });
  yield { name: `projector ${number} claims the shard at position ${shard.remembered}`, next, owed: true };
}

/** Whoever no longer has the shard may publish, which only repeats, but not remember. */
function* followSteps(
  state: RelayState,
  index: number,
  { number, applied }: { number: number; applied: number },
  world: RelayWorld,
): Iterable<Step<RelayState>> {
  const { shard, published } = state;
  const name = nameOf({ number, applied });
  const letGo = put(state, index, { number: 0, applied: undefined });
  const remember = (position: number): Step<RelayState> =>
    shard.holder === number
      ? {
          name: `${name} remembers position ${position}`,
          next: { ...state, shard: { ...shard, remembered: position } },
          owed: true,
        }
      : { name: `${name} may not remember, and lets go`, next: letGo, owed: true };
  const position = applied + 1;
  const isEarly = world.remembers === 'before publishing' && shard.remembered < position && position <= state.head;
  if (isEarly) yield remember(position);
  else if (position <= state.head) {
    const next = put({ ...state, published: [...new Set([...published, position])] }, index, {
      number,
      applied: position,
    });
    yield { name: `${name} publishes position ${position}`, next, owed: true };
  }
  if (world.remembers === 'after publishing' && shard.remembered !== applied) yield remember(applied);
  // A renewal is a claim that goes on where it was, also when the shard was another's meanwhile.
  if (shard.lapsed)
    yield {
      name: `${name} renews its lease`,
      next: { ...state, shard: { ...shard, holder: number, lapsed: false } },
      owed: true,
    };
  else if (shard.holder !== number) yield { name: `${name} learns that it lost the shard`, next: letGo, owed: true };
  if (state.misfortunes > 0) yield { name: `${name} crashes`, next: spend(letGo), owed: false };
}

function* stepsOf(state: RelayState, world: RelayWorld): Iterable<Step<RelayState>> {
  if (state.head < world.commits)
    yield {
      name: `somebody appends position ${state.head + 1}`,
      next: { ...state, head: state.head + 1 },
      owed: false,
    };
  yield* leaseSteps(state);
  for (const [index, { number, applied }] of state.projectors.entries()) {
    if (applied === undefined) yield* claimSteps(state, index);
    else yield* followSteps(state, index, { number, applied }, world);
  }
}

const broken = ({ shard, published, projectors, head }: RelayState): string | undefined => {
  const missing =
    Array.from({ length: head }, (_, index) => index + 1).find((position) => !published.includes(position)) ?? head + 1;
  if (shard.remembered >= missing)
    return `position ${shard.remembered} is remembered, and ${missing} was never published`;
  return projectors.some(({ applied = 0 }) => applied >= missing) ? `position ${missing} was passed over` : undefined;
};

export const relay = (world: RelayWorld): Model<RelayState> => ({
  initial: {
    head: 0,
    shard: { holder: undefined, lapsed: false, remembered: 0 },
    projectors: Array.from({ length: world.projectors }, () => ({ number: 0, applied: undefined })),
    published: [],
    misfortunes: world.misfortunes,
  },
  steps: (state) => stepsOf(state, world),
  broken,
  done: ({ head, shard }) => shard.remembered === head,
});

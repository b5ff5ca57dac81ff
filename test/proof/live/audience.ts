/** Hundreds of subscribers of a few dozen tasks and accounts, and what each of them should have heard by the end. */
import { StreamId } from '#events/envelope.ts';
import { shardOf } from '#platform/shard.ts';
import type { Store } from '#platform/store.ts';
import { eventually } from '#test/support/eventually.ts';
import type { Random } from '#test/support/random.ts';
import { readCursor } from '../../../services/api/live/mine.ts';
import { breachesOf, expectedOf, inBrief, leaksOf, readWhole } from './record.ts';
import type { Breach, Expected, Heard } from './record.ts';
import { Subscriber } from './subscriber.ts';
import type { Account, Work } from './writer.ts';

export type Member = {
  readonly account: Account;
  readonly wants: readonly string[];
  readonly subscriber: Subscriber;
};

export type AudienceOptions = {
  readonly accounts: readonly [Account, ...Account[]];
  readonly works: readonly Work[];
  readonly size: number;
  readonly url: (random: Random) => string;
  readonly randomOf: (name: string) => Random;
  readonly onLive?: (factId: string) => void;
};

const seesAll = ({ role }: Account): boolean => role !== 'member';
const theirsOf = (account: Account, works: readonly Work[]): readonly string[] =>
  works.filter(({ owner }) => seesAll(account) || owner === account.accountId).map(({ stream }) => stream);

/** Every fifth follows `$mine`; the others follow two of their tasks. */
export const gather = ({ accounts, works, size, url, randomOf, onLive }: AudienceOptions): Member[] =>
  Array.from({ length: size }, (_, n) => {
    const random = randomOf(`subscriber ${n}`);
    const account = accounts[n % accounts.length] ?? accounts[0];
    const [first = '', ...others] = theirsOf(account, works);
    const picked = [random.oneOf([first, ...others]), random.oneOf([first, ...others])];
    const wants = random.below(5) === 0 ? ['$mine'] : [...new Set(picked)];
    const options = { url: () => url(random), key: account.key.key, wants, random, ...(onLive && { onLive }) };
    return { account, wants, subscriber: new Subscriber(options) };
  });

/** What is stored, read once for everybody who is held against it: by stream, and by shard, commit for commit. */
type Truth = {
  readonly streams: ReadonlyMap<string, readonly Expected[]>;
  readonly shards: readonly (readonly (readonly Expected[])[])[];
};

const readTruth = async (store: Store, works: readonly Work[]): Promise<Truth> => {
  const streams = new Map<string, readonly Expected[]>();
  for (const { stream } of works) streams.set(stream, expectedOf(await readWhole(store.readStream, stream)));
  const shards = [];
  for (let shard = 0; shard < store.shards; shard += 1) {
    const commits: Expected[][] = [];
    for (let page = await store.readLog(shard, 0); page.length > 0;) {
      commits.push(...page.map(({ facts }) => expectedOf(facts)));
      page = await store.readLog(shard, commits.length);
    }
    shards.push(commits);
  }
  return { streams, shards };
};

/** `$mine` has one order per shard of the log; the cursor it began with says what came before. */
const mineBreaches = (heard: readonly Heard[], first: string, theirs: ReadonlySet<string>, truth: Truth): Breach[] => {
  const shards = truth.shards.length;
  const heardOf = Map.groupBy(heard, ({ stream }) => shardOf(StreamId.parse(stream), shards));
  return (readCursor(first, shards) ?? []).flatMap(({ position, given }, shard) => {
    const after = truth.shards[shard]?.slice(position) ?? [];
    const expected = after.flatMap((facts, index) => facts.slice(index === 0 ? given : 0));
    return breachesOf(
      heardOf.get(shard) ?? [],
      expected.filter(({ stream }) => theirs.has(stream)),
    );
  });
};

const breachesFor = ({ account, wants, subscriber }: Member, works: readonly Work[], truth: Truth): Breach[] => {
  const theirs = new Set(theirsOf(account, works));
  return wants.flatMap((want) => {
    const heard = subscriber.heard(want);
    const leaks = leaksOf(heard, theirs);
    if (want === '$mine') return [...leaks, ...mineBreaches(heard, subscriber.firstCursor() ?? '', theirs, truth)];
    return [...leaks, ...breachesOf(heard, truth.streams.get(want) ?? [])];
  });
};

/** Waits until everybody has heard all that is stored, and says what anybody heard that is not so. */
export const settle = async (
  members: readonly Member[],
  works: readonly Work[],
  store: Store,
): Promise<readonly string[]> => {
  const truth = await readTruth(store, works);
  const isComplete = (member: Member): boolean =>
    breachesFor(member, works, truth).every(({ kind }) => kind !== 'missing');
  let waiting = members;
  const complete = (): true | undefined => {
    waiting = waiting.filter((member) => !isComplete(member));
    return waiting.length === 0 || undefined;
  };
  // Whoever has not heard everything by then shows up as such.
  await eventually(complete, 'somebody did not hear everything', 30_000).catch(() => undefined);
  return inBrief(members.flatMap((member) => breachesFor(member, works, truth)));
};

/** What the network and the operators do to a live channel, as chance has it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '#test/support/random.ts';
import type { Member } from './audience.ts';
import type { Instance } from './instance.ts';
import type { SseReader } from './sse-reader.ts';
import type { Work } from './writer.ts';

export type ChaosParts = {
  readonly members: readonly [Member, ...Member[]];
  readonly sse: readonly [SseReader, ...SseReader[]];
  readonly works: readonly [Work, ...Work[]];
  readonly instances: readonly [Instance, Instance];
  readonly random: Random;
};

const acts = ['close', 'destroy', 'destroy', 'abandon', 'resubscribe', 'resubscribe', 'trespass', 'sse'] as const;
const ends = ['kill', 'kill', 'stop'] as const;

/** Clients lose their sockets, let go of what they follow and take it up again, and ask for what is not theirs. */
const disturbClients = async (
  { members, sse, works, random }: ChaosParts,
  count: (what: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    const act = random.oneOf(acts);
    const { account, subscriber } = random.oneOf(members);
    const work = random.oneOf(works);
    if (act === 'sse') random.oneOf(sse).disturb();
    else if (act !== 'trespass') subscriber.disturb(act);
    else if (account.role === 'member' && work.owner !== account.accountId) subscriber.trespass(work.stream);
    count(act);
    await pause(random.below(20));
  }
};

/** One instance ends, at once or as asked, and comes back on its port; now and then both are gone. */
const disturbInstances = async (
  { instances, random }: ChaosParts,
  count: (what: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  const [one, two] = instances;
  const codes: (number | null)[] = [];
  while (!signal.aborted) {
    const victims = random.below(5) === 0 ? [one, two] : [random.oneOf([one, two])];
    const how = random.oneOf(ends);
    for (const victim of victims) {
      if (how === 'kill') await victim.kill();
      else codes.push(await victim.stop());
      count(how);
    }
    await pause(random.below(300));
    for (const victim of victims) {
      // On a busy machine AWS may not answer in time; whoever looks after instances starts it again.
      await victim.start().catch(async () => {
        count('started twice');
        await victim.start();
      });
    }
    await pause(random.below(1_500));
  }
  if (codes.some((code) => code !== 0)) throw new Error(`an instance did not stop as asked: ${codes.join(', ')}`);
};

/** Until `signal` aborts; then both instances are there, and it is known how often what was done. */
export const stir = async (parts: ChaosParts, signal: AbortSignal): Promise<ReadonlyMap<string, number>> => {
  const counts = new Map<string, number>();
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  await Promise.all([disturbClients(parts, count, signal), disturbInstances(parts, count, signal)]);
  return counts;
};

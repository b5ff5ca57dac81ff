/** Two holders of one lock, one of which sleeps past its lease: builds hold locks this way. */
import { catalog } from '#events/catalog.ts';
import { heldWith, leaseMark, leaseOver, LockKey } from '#events/lock.ts';
import type { LockToken } from '#events/lock.ts';
import { handler } from '#platform/handle.ts';
import { memoryStore } from '#platform/memory/store.ts';
import type { Origin } from '#platform/store.ts';
import { uuidv7 } from '#platform/uuid.ts';
import type { Stored } from '#test/support/history.ts';

const leaseMs = 30_000;
const stream = `lock/${LockKey.parse('repo/branch')}` as const;

/** What a holder releases: the lock it was given, or whatever it finds held when it comes to it. */
export type Releases = 'its own token' | 'whatever is held';

/** A acquires and sleeps; B acquires when the lease is over; A wakes up and releases; C tries. */
export const sleepPastTheLease = async (releases: Releases): Promise<Stored> => {
  let now = Date.UTC(2026, 0, 1);
  const clock = (): number => now;
  const store = memoryStore({ shards: 1, clock });
  const handle = handler(catalog.lock.decider, catalog.lock.parseRow, store, clock);

  const rowNow = async () => {
    const stored = await store.readRow(stream);
    return stored && { lock: catalog.lock.parseRow(stored.row), leaseUntil: stored.marks[leaseMark] ?? 0 };
  };
  const acquire = async (holder: string): Promise<LockToken | undefined> => {
    const origin: Origin = { actor: `builder:${holder}`, correlationId: holder };
    const found = await rowNow();
    const seen = { now, ...(found && { leaseUntil: found.leaseUntil }) };
    const handled = await handle(stream, { type: 'acquire', holder, lockId: uuidv7(now), leaseMs, ...seen }, origin, {
      marks: { [leaseMark]: now + leaseMs },
      where: leaseOver(now),
    });
    return handled.outcome === 'appended' ? handled.state.token : undefined;
  };
  const release = async (holder: string, token: LockToken | undefined): Promise<void> => {
    const origin: Origin = { actor: `builder:${holder}`, correlationId: holder };
    const released = releases === 'its own token' ? token : (await rowNow())?.lock.token;
    if (released === undefined) return;
    const where = heldWith(released);
    await handle(stream, { type: 'release', token: released }, origin, { marks: { [leaseMark]: 0 }, where });
  };

  const ofA = await acquire('a');
  now += leaseMs + 1;
  const ofB = await acquire('b');
  await release('a', ofA);
  const ofC = await acquire('c');
  await release('c', ofC);
  await release('b', ofB);
  const stored = await store.readRow(stream);
  return {
    streams: new Map([[stream, await store.readStream(stream, 0)]]),
    rows: new Map(stored ? [[stream, stored]] : []),
    log: [await store.readLog(0, 0)],
  };
};

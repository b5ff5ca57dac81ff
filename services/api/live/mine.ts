/** `$mine`: the facts of all tasks of one account (of all accounts, for who sees everything), with a cursor to go on from. */
import type { StreamId } from '#events/envelope.ts';
import { pause } from '#platform/backoff.ts';
import { maySee, seesEverything } from '#platform/http/principal.ts';
import type { Principal } from '#platform/http/principal.ts';
import type { Store } from '#platform/store.ts';
import type { Frame } from './frame.ts';
import { loggedCommit } from './hub.ts';
import type { Hub } from './hub.ts';

/** Per shard the last position that was read to its end, and how many facts of the next were given already. */
export type MineCursor = readonly { readonly position: number; readonly given: number }[];

export type MineStep = { readonly cursor: string; readonly frame?: Frame };

export type MineParts = {
  readonly hub: Hub;
  readonly store: Pick<Store, 'readLog'>;
  /** Undefined when the task does not exist. */
  readonly ownerOf: (stream: StreamId) => Promise<string | undefined>;
};

/** Opaque to clients: `position` or `position+given` of every shard, in base 36. */
export const writeCursor = (cursor: MineCursor): string =>
  cursor.map(({ position, given }) => position.toString(36) + (given === 0 ? '' : `+${given.toString(36)}`)).join('.');

const part = /^([0-9a-z]{1,9})(?:\+([0-9a-z]{1,2}))?$/;

/** Undefined when it is no cursor of a log with that many shards. */
export const readCursor = (text: string, shards: number): MineCursor | undefined => {
  const parts = text.split('.').flatMap((each) => {
    const [, position, given = '0'] = part.exec(each) ?? [];
    return position === undefined
      ? []
      : [{ position: Number.parseInt(position, 36), given: Number.parseInt(given, 36) }];
  });
  return parts.length === shards && text.split('.').length === shards ? parts : undefined;
};

const pageMax = 64;
/** Another instance's cursor may be ahead of what a lagging reader of the log is shown here. */
const settleMs = 20;
/** A cursor further behind the log than this many commits is answered with an error: to list the tasks costs less. */
export const backlogMax = 100_000;

export const backlogOf = (start: MineCursor, heads: readonly number[]): number =>
  heads.reduce((sum, head, shard) => sum + Math.max(0, head - (start[shard]?.position ?? 0)), 0);

/**
 * Yields a step without a frame once, when everything up to now has been given, and a step for every fact after `start` (without
 * one: from now on). A fact's cursor leads on right behind it. Ends when `signal` aborts.
 */
export async function* followMine(
  principal: Principal,
  start: MineCursor | undefined,
  { hub, store, ownerOf }: MineParts,
  signal: AbortSignal,
): AsyncGenerator<MineStep, undefined> {
  using watched = hub.watchLog();
  const { tails, bell } = watched;
  const places = tails.map((tail, shard) => ({ ...(start?.[shard] ?? { position: tail.last(), given: 0 }) }));
  const isMine = async (stream: StreamId): Promise<boolean> =>
    seesEverything(principal) || maySee(principal, (await ownerOf(stream)) ?? '');
  const behind = () => [...places.entries()].filter(([shard, { position }]) => (tails[shard]?.last() ?? 0) > position);
  const ended = (): boolean => signal.aborted;
  let live = false;
  while (!ended()) {
    for (const [shard, place] of behind()) {
      const next = place.position + 1;
      const page = tails[shard]?.from(next) ?? (await store.readLog(shard, place.position, pageMax)).map(loggedCommit);
      if (page.length === 0) await pause(settleMs, signal);
      for (const { position, stream, frames } of page) {
        const shown = frames.length > 0 && (await isMine(stream)) ? frames : [];
        for (const frame of shown.slice(place.given)) {
          if (ended()) return;
          place.given += 1;
          if (place.given === shown.length) Object.assign(place, { position, given: 0 });
          yield { cursor: writeCursor(places), frame };
        }
        Object.assign(place, { position, given: 0 });
      }
    }
    if (behind().length > 0) continue;
    if (!live) yield { cursor: writeCursor(places) };
    live = true;
    await bell.until(() => behind().length > 0, signal);
  }
}

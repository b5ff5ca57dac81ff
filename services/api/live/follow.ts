/**
 * A stream, fact by fact, from any position for as long as the reader likes. All it remembers is the version it gave last, and it
 * gives nothing but the next: so no version is missed, doubled or out of order, whatever dies in between and wherever it goes on.
 */
import type { StreamId } from '#events/envelope.ts';
import { pause } from '#platform/backoff.ts';
import type { Store } from '#platform/store.ts';
import { frameOf } from './frame.ts';
import type { Frame } from './frame.ts';
import type { Hub } from './hub.ts';

export type FollowParts = { readonly hub: Hub; readonly store: Pick<Store, 'readStream'> };

/** What is read ahead of a reader, who may be slow: little, since every reader holds its own. */
const pageBytes = 131_072;
/** Facts of a first page, whose size nobody knows yet, and of any. */
const firstPage = 8;
const pageMax = 256;
/** A transaction may be seen in the log an instant before it is seen in the stream. */
const settleMs = 20;

/** As many facts as would have filled the bytes, had all been like those of the page before. */
const nextPage = (frames: readonly Frame[]): number => {
  const bytes = frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
  return Math.max(1, Math.min(pageMax, Math.floor((pageBytes * frames.length) / bytes)));
};

/** Yields every fact after version `after`, and 'live' once, when all that was there has been given. Ends when `signal` aborts. */
export async function* follow(
  stream: StreamId,
  after: number,
  { hub, store }: FollowParts,
  signal: AbortSignal,
): AsyncGenerator<Frame | 'live', undefined> {
  // Watched before the first read: what is committed after the read is announced.
  using watched = hub.watch(stream);
  const { tail, bell } = watched;
  const pageAfter = (from: number, most: number): Promise<readonly Frame[]> =>
    watched.page(from, async () => (await store.readStream(stream, from, most)).map(frameOf));
  const ended = (): boolean => signal.aborted;
  let version = after;
  let limit = firstPage;
  let ahead: Promise<readonly Frame[]> | undefined;
  let live = false;
  while (!ended()) {
    if (live && tail.last() <= version) {
      const from = version;
      await bell.until(() => tail.last() > from, signal);
      continue;
    }
    const page = tail.from(version + 1) ?? (await (ahead ?? pageAfter(version, limit)));
    ahead = undefined;
    const last = page.at(-1);
    if (last) limit = nextPage(page);
    for (const frame of page) {
      if (ended()) return;
      yield frame;
      version = frame.version;
      // The store reads on while the reader takes what is there; one that takes nothing makes nothing be read.
      if (last && !live && !ahead) (ahead = pageAfter(last.version, limit)).catch(() => undefined);
    }
    if (last) continue;
    if (tail.last() > version) await pause(settleMs, signal);
    else {
      live = true;
      yield 'live';
    }
  }
}

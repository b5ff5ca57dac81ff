/** The recent end of a dense sequence (the facts of a stream, the commits of a shard), and a bell that rings when it grows. */
import { addAbortListener } from 'node:events';

export type Bell = {
  readonly ring: () => void;
  /** Resolves once `come` says so, which is asked now and at every ring, or when `signal` aborts. */
  readonly until: (come: () => boolean, signal: AbortSignal) => Promise<void>;
};

export const createBell = (): Bell => {
  const waiting = new Set<() => void>();
  return {
    ring: () => waiting.forEach((look) => look()),
    until: async (come, signal) => {
      if (come() || signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const look = (): void => {
        if (come() || signal.aborted) resolve(undefined);
      };
      waiting.add(look);
      using _ = addAbortListener(signal, look);
      await promise;
      waiting.delete(look);
    },
  };
};

export type Tail<Entry> = {
  /** The number of the newest entry that was announced; 0 when none was. */
  readonly last: () => number;
  /** What is kept from `number` on; undefined when `number` is not among it. */
  readonly from: (number: number) => readonly Entry[] | undefined;
  /** Announces entry `number`. `entry` and its size are left out when nobody wants it kept. */
  readonly push: (number: number, entry?: { readonly value: Entry; readonly bytes: number }) => void;
};

/** Whoever is further behind reads from the store. */
const entriesMax = 512;
const bytesMax = 1_048_576;

export const createTail = <Entry>(last = 0): Tail<Entry> => {
  let kept: { readonly value: Entry; readonly bytes: number }[] = [];
  let bytes = 0;
  return {
    last: () => last,
    from: (number) => {
      const index = kept.length - 1 - (last - number);
      return index < 0 || number > last ? undefined : kept.slice(index).map(({ value }) => value);
    },
    push: (number, entry) => {
      if (number <= last) return;
      // What is kept has no holes: after one it begins anew.
      if (entry === undefined || number !== last + 1) [kept, bytes] = [[], 0];
      last = number;
      if (entry === undefined) return;
      kept.push(entry);
      bytes += entry.bytes;
      while (kept.length > entriesMax || (bytes > bytesMax && kept.length > 1)) bytes -= kept.shift()?.bytes ?? 0;
    },
  };
};

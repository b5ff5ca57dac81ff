/**
 * What a flood leaves behind is collected as it passes. Every chunk is memory outside the heap, which V8 does not look at
 * before there are 64 MiB of it, and at a gigabyte a second as much again arrives until it is done: a worker grew by 119 MiB.
 */
const collectEveryBytes = 16 * 1_048_576;

/** Of the youngest objects only, which takes a millisecond; there where Node was started with `--expose-gc`. */
const collect = (): void => globalThis.gc?.({ type: 'minor', execution: 'sync' });

/** To be told of every chunk. */
export const floodCollector = (): ((bytes: number) => void) => {
  let since = 0;
  return (bytes) => {
    since += bytes;
    if (since < collectEveryBytes) return;
    since = 0;
    collect();
  };
};

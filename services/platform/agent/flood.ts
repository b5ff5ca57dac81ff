/**
 * A flood rests now and then. Every chunk is memory outside the heap, and V8 begins to look for what is garbage after 64 MiB
 * of it: at a gigabyte a second as much again would arrive before it is done. Measured: up to 119 MiB without rests, 85 with them.
 */
const restAfterBytes = 8 * 1_048_576;
export const restMs = 4;

/** Told of every chunk, it says after which to rest. */
export const isRestDue = (): ((bytes: number) => boolean) => {
  let since = 0;
  return (bytes) => {
    since += bytes;
    if (since < restAfterBytes) return false;
    since = 0;
    return true;
  };
};

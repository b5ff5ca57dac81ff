/** Wakes within one process: what one part announces, every other part hears at once. */
import type { OnWake, Wake } from '../subscribe.ts';

/** `announce` is an `OnCommit` too: a commit says at which position its shard is. */
export type Wakes = { readonly announce: (wake: Wake) => void; readonly onWake: OnWake };

export const memoryWakes = (): Wakes => {
  const listeners = new Set<(wake: Wake) => void>();
  return {
    announce: ({ shard, position }) => listeners.forEach((listener) => listener({ shard, position })),
    onWake: (listener) => {
      // A function of our own, so that a listener that is registered twice hears twice and ends twice.
      const hear = (wake: Wake): void => listener(wake);
      listeners.add(hear);
      return () => listeners.delete(hear);
    },
  };
};

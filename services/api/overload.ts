/** What is not taken on when there is too much: the answer comes at once, and says when to come back. */
import type { Context } from 'hono';
import { problem } from '#platform/http/problem.ts';

/** At most `max` at the same time. */
export const createGate = (max: number) => {
  let inside = 0;
  return {
    /** Undefined when it is full; disposing leaves. */
    enter: (): Disposable | undefined => {
      if (inside >= max) return undefined;
      inside += 1;
      return { [Symbol.dispose]: () => void (inside -= 1) };
    },
  };
};

export const overloaded = (c: Context, detail: string, retryAfterSeconds: number) =>
  problem(c, 'overloaded', { detail, headers: { 'retry-after': String(retryAfterSeconds) } });

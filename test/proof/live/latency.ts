/** How long facts take from the return of their append to a subscriber that is live. */
import type { Writer } from './writer.ts';

export type Latencies = {
  readonly onLive: (factId: string) => void;
  /** Milliseconds of what came since the last call, in words. */
  readonly take: () => { readonly count: number; readonly p50: number; readonly p99: number; readonly max: number };
};

export const measureLatency = ({ committedAt }: Pick<Writer, 'committedAt'>): Latencies => {
  let taken: number[] = [];
  return {
    onLive: (factId) => {
      const at = committedAt.get(factId);
      // The fact may be here before the writer has its answer.
      taken.push(at === undefined ? 0 : performance.now() - at);
    },
    take: () => {
      const sorted = taken.sort((a, b) => a - b);
      const at = (share: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN);
      taken = [];
      return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
    },
  };
};

export const inWords = ({ p50, p99, max }: ReturnType<Latencies['take']>): string =>
  `p50 ${p50} p99 ${p99} max ${max} ms`;

/** What a gauge wrote, and whether it grows. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import { medianOf } from '#test/support/median.ts';

export const Sample = z.object({
  atMs: z.number(),
  /** The heap, after a full collection. */
  heldBytes: z.number(),
  /** Outside the heap: every connection has 64 KiB to receive into, so this comes and goes with them. */
  bufferBytes: z.number(),
  rssBytes: z.number(),
  descriptors: z.int(),
  timers: z.int(),
  /** Everything else that keeps the process alive: sockets, requests, servers. */
  handles: z.int(),
});
export type Sample = z.infer<typeof Sample>;

const Line = jsonText(Sample);

/** By program, as `api-main-4711`. */
export const readSamples = (directory: string): Map<string, Sample[]> =>
  new Map(
    readdirSync(directory).map((name) => {
      const lines = readFileSync(join(directory, name), 'utf8')
        .split('\n')
        .filter((line) => line !== '');
      return [name.replace('.jsonl', ''), lines.map((line) => Line.parse(line))];
    }),
  );

/** Least squares: how much `y` grows with `x`, and the standard error of that. */
export const slopeOf = (points: readonly (readonly [number, number])[]): { slope: number; error: number } => {
  const n = points.length;
  if (n < 3) return { slope: 0, error: Number.POSITIVE_INFINITY };
  const mean = (of: (point: readonly [number, number]) => number) => points.reduce((sum, p) => sum + of(p), 0) / n;
  const [x, y] = [mean(([a]) => a), mean(([, b]) => b)];
  const sxx = points.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
  const slope = points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0) / sxx;
  const left = points.reduce((sum, [a, b]) => sum + (b - y - slope * (a - x)) ** 2, 0);
  return { slope, error: Math.sqrt(left / (n - 2) / sxx) };
};

/** By how much the last third of the time lies above the first. */
const risen = (numbers: readonly number[]): number => {
  const third = Math.floor(numbers.length / 3);
  return medianOf(numbers.slice(-third)) - medianOf(numbers.slice(0, third));
};

export type Bounds = {
  readonly warmUpMs: number;
  /** Bytes that may be held more with every second. */
  readonly bytesPerSecondMax: number;
  /** Descriptors, timers and handles come and go with what is in hand; this much is no growth. */
  readonly countMax: number;
};

/** A hundred connections more than before. */
const bufferMbMax = 6;

export type Growth = {
  readonly bytesPerSecond: number;
  /** Two standard errors: what a leak must exceed the bound by to be seen for certain. */
  readonly uncertain: number;
  readonly rssBytesPerSecond: number;
  readonly bufferMb: number;
  readonly descriptors: number;
  readonly timers: number;
  readonly handles: number;
  readonly samples: number;
};

export const growthOf = (samples: readonly Sample[], warmUpMs: number): Growth => {
  const from = (samples[0]?.atMs ?? 0) + warmUpMs;
  const steady = samples.filter(({ atMs }) => atMs >= from);
  const line = (of: (sample: Sample) => number) => slopeOf(steady.map((s) => [s.atMs / 1000, of(s)] as const));
  const held = line(({ heldBytes }) => heldBytes);
  return {
    ...{ bytesPerSecond: held.slope, uncertain: 2 * held.error },
    rssBytesPerSecond: line(({ rssBytes }) => rssBytes).slope,
    bufferMb: Math.round(risen(steady.map(({ bufferBytes }) => bufferBytes)) / 1_048_576),
    descriptors: risen(steady.map(({ descriptors }) => descriptors)),
    timers: risen(steady.map(({ timers }) => timers)),
    handles: risen(steady.map(({ handles }) => handles)),
    samples: steady.length,
  };
};

/** A growth counts as one when it exceeds the bound by more than chance explains. */
export const leaksOf = (samples: readonly Sample[], { warmUpMs, bytesPerSecondMax, countMax }: Bounds): string[] => {
  const grown = growthOf(samples, warmUpMs);
  const { bytesPerSecond, uncertain, descriptors, timers, handles } = grown;
  return [
    ...(grown.samples < 9 ? [`only ${grown.samples} samples`] : []),
    ...(bytesPerSecond - uncertain > bytesPerSecondMax ? [`memory grows by ${Math.round(bytesPerSecond)} B/s`] : []),
    ...(grown.bufferMb > bufferMbMax ? [`${grown.bufferMb} more MB of buffers`] : []),
    ...Object.entries({ descriptors, timers, handles }).flatMap(([what, more]) =>
      more > countMax ? [`${more} more ${what}`] : [],
    ),
  ];
};

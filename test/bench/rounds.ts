/** How two things are compared on a machine that is never quiet: in turn, several times, by the ratio within each round. */

/** One value per round, in order. */
export type Samples = readonly number[];

/** The middle of several rounds, and the least and the most of them. */
export type Spread = { readonly median: number; readonly low: number; readonly high: number };

/**
 * Runs every side once per round: A B, then B A, then A B. Whatever the machine does meanwhile it does to all of them, and none is
 * always the first. The answer is by side, then by round.
 */
export const interleave = async <Measured>(
  count: number,
  sides: readonly (() => Promise<Measured>)[],
): Promise<Measured[][]> => {
  const measured: Measured[][] = sides.map(() => []);
  for (let round = 0; round < count; round += 1) {
    const order = [...sides.entries()];
    for (const [index, measure] of round % 2 === 0 ? order : order.reverse()) measured[index]?.push(await measure());
  }
  return measured;
};

const percentileOfSorted = (sorted: Samples, percent: number): number =>
  sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;

/** By nearest rank: a value that was measured. */
export const percentile = (values: Samples, percent: number): number =>
  percentileOfSorted(
    [...values].sort((a, b) => a - b),
    percent,
  );

/** Between the two in the middle where their number is even. */
export const median = (values: Samples): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
};

export const spreadOf = (values: Samples): Spread => ({
  median: median(values),
  low: Math.min(...values),
  high: Math.max(...values),
});

const perRound = (ours: Samples, theirs: Samples, compare: (a: number, b: number) => number): number[] => {
  if (ours.length !== theirs.length) throw new Error(`${ours.length} rounds cannot be compared with ${theirs.length}`);
  return ours.map((value, round) => compare(value, theirs[round] ?? Number.NaN));
};

/** Of the ratios within each round, not the ratio of two medians that were taken at different moments. */
export const ratioOf = (ours: Samples, theirs: Samples): Spread => spreadOf(perRound(ours, theirs, (a, b) => a / b));

export const differenceOf = (ours: Samples, theirs: Samples): Spread =>
  spreadOf(perRound(ours, theirs, (a, b) => a - b));

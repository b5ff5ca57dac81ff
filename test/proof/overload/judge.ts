/** What an overload must have shown, and what is wrong where it has not. */
import type { LoadReport } from './order.ts';

export type Overload = {
  readonly load: LoadReport;
  /** Without overload, and under it, in the same unit. */
  readonly capacityPerSecond: number;
  readonly goodPerSecond: number;
  /** Whether `/health` answered 200 each time it was asked. */
  readonly healthy: boolean;
  /** From the end of the load until it was as quick as before; infinite when it never was. */
  readonly recoveredAfterMs: number;
  readonly memoryGrowthMb: number;
};

export const promised = { goodput: 0.9, rejectionMs: 100, recoveryMs: 10_000, memoryMb: 64 } as const;

/** Wrong whatever else runs on the machine. */
export const wrongs = ({ load, healthy }: Overload): string[] => [
  ...(load.rejected.count === 0 ? ['nothing was refused'] : []),
  ...(load.improperCount > 0
    ? [`${load.improperCount} refusals are not as promised: ${load.improper.join('\n')}`]
    : []),
  ...(load.unanswered > 0 ? [`${load.unanswered} requests were not answered`] : []),
  ...(healthy ? [] : ['/health did not answer']),
];

/** Figures, which a neighbour on the machine can spoil and never improve. */
export const misses = (measured: Overload): string[] => {
  const { load, capacityPerSecond, goodPerSecond, recoveredAfterMs, memoryGrowthMb } = measured;
  const goodput = goodPerSecond / capacityPerSecond;
  const unsent = load.unsent / (load.asked + load.unsent);
  return [
    ...(goodput < promised.goodput ? [`goodput is ${goodput.toFixed(2)} of capacity`] : []),
    ...(load.rejected.p99 >= promised.rejectionMs ? [`p99 of rejections is ${load.rejected.p99} ms`] : []),
    ...(recoveredAfterMs > promised.recoveryMs ? [`not as quick as before after ${recoveredAfterMs} ms`] : []),
    ...(memoryGrowthMb > promised.memoryMb ? [`memory grew by ${memoryGrowthMb.toFixed(0)} MB`] : []),
    ...(unsent > 0.01 ? [`${load.unsent} requests found no free connection: the answers come too slowly`] : []),
  ];
};

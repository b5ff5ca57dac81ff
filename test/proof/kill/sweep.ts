/** Walks through the points of one service: the process dies at each of them, and its successor at the next. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '#test/support/random.ts';
import type { Arming } from './arming.ts';
import type { ServiceName } from './control.ts';

/** What is done, one after the other, until the process comes to its point; and how long each of them is given. */
export type Nudge = { readonly nudge: () => void; readonly waitMs: number };

export type Swept = {
  /** Points at which the service died. */
  readonly died: readonly string[];
  /** Points that were armed, and that nobody came to. */
  readonly missed: readonly string[];
  /** Points that there was no time for. */
  readonly left: readonly string[];
};

const lookEveryMs = 20;

/** True when the service died at `point`. */
export const dieAt = async (
  service: ServiceName,
  point: string,
  { points, nudges }: { readonly points: Arming; readonly nudges: readonly Nudge[] },
  until: AbortSignal,
): Promise<boolean> => {
  points.arm(service, point);
  for (const { nudge, waitMs } of nudges) {
    nudge();
    const deadline = performance.now() + waitMs;
    while (performance.now() < deadline && !until.aborted) {
      if (!points.isArmed(service)) return true;
      await pause(lookEveryMs);
    }
  }
  return !points.disarm(service);
};

export type SweepOptions = {
  readonly points: Arming;
  readonly nudges: readonly Nudge[];
  readonly random: Random;
  /** How often a point that nobody came to is armed again. */
  readonly triesMax: number;
};

/** In an order of the seed; points that are found on the way are walked as well. */
export const sweep = async (service: ServiceName, options: SweepOptions, until: AbortSignal): Promise<Swept> => {
  const { points, random, triesMax } = options;
  const died = new Set(points.fired().flatMap(({ point }) => (point.startsWith(`${service} `) ? [point] : [])));
  const tries = new Map<string, number>();
  const triesOf = (point: string): number => tries.get(point) ?? 0;
  const known = () => points.points(service).filter((point) => !died.has(point));
  const isOver = (): boolean => until.aborted;
  while (!isOver()) {
    const toGo = known().filter((point) => triesOf(point) < triesMax);
    const fewest = Math.min(...toGo.map(triesOf));
    const next = toGo.filter((point) => triesOf(point) === fewest);
    const point = next[random.below(next.length)];
    if (point === undefined) break;
    if (await dieAt(service, point, options, until)) died.add(point);
    else if (!isOver()) tries.set(point, triesOf(point) + 1);
  }
  const [missed, left] = [known().filter((point) => tries.has(point)), known().filter((point) => !tries.has(point))];
  return { died: [...died], missed, left };
};

/** One core for what is measured and one for what measures, so that the load does not take from the system what it asks of it. */
import { spawnSync } from 'node:child_process';
import { availableParallelism, constants, setPriority } from 'node:os';

/** Nobody can have a core for himself in a small container, or where the tool is missing; then all share. */
const canPin = availableParallelism() > 1 && spawnSync('taskset', ['-c', '1', 'true']).status === 0;

/** The generator goes to the second core. */
export const besideIt: readonly string[] = canPin ? ['taskset', '-c', '1'] : [];

/** What is not measured waits, where we may say so: only a privileged user may. */
export const goBeforeNeighbours = (): void => {
  try {
    setPriority(constants.priority.PRIORITY_HIGH);
  } catch {
    // Then a neighbour takes his share, and a round more may be needed.
  }
};

/** This process, and all that it starts from here on, go to the first core. */
export const takeFirstCore = (): string => {
  goBeforeNeighbours();
  if (!canPin) return 'shared';
  spawnSync('taskset', ['-acp', '0', String(process.pid)]);
  return 'one for the system, one for the load';
};

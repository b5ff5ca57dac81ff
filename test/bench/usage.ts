/** What the kernel says that another process has used. */
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second (USER_HZ) on every architecture that Node runs on. */
const tickMicros = 10_000;

/** All threads together, since the process began. */
export const cpuMicrosOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may itself hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMicros;
};

/** The CPU that `pid` used while `work` ran, beside what the work came to. */
export const withCpuOf = async <Value>(
  pid: number,
  work: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly cpuMicros: number }> => {
  const before = cpuMicrosOf(pid);
  const value = await work();
  return { value, cpuMicros: cpuMicrosOf(pid) - before };
};

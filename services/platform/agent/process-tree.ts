/**
 * Finds and kills everything that one agent started, also what left its process group. A descendant is recognised by the
 * marker in its environment, by its group, or by a parent that is one. Without `/proc` nothing is found, and the group is all that can be killed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** Every process of one run carries `KIRO_DISPATCH_RUN=<marker>` in its environment. */
export const markerName = 'KIRO_DISPATCH_RUN';

/** A pid alone may be somebody else's by now; with its start time (clock ticks since boot) it is unique until the next boot. */
export type ProcessId = { readonly pid: number; readonly startTime: string };

export type Survivor = ProcessId & { readonly parent: number; readonly group: number };

/** Undefined when there is no such process, or only its exit status is left of it. */
const readEntry = (pid: number): Survivor | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in parentheses and may itself contain both spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, parent, group] = fields;
    if (state === 'Z' || state === 'X') return undefined;
    return { pid, startTime: fields[19] ?? '', parent: Number(parent), group: Number(group) };
  } catch {
    return undefined;
  }
};

export const identify = (pid: number): ProcessId | undefined => {
  const entry = readEntry(pid);
  return entry && { pid, startTime: entry.startTime };
};

export const isAlive = ({ pid, startTime }: ProcessId): boolean => readEntry(pid)?.startTime === startTime;

const readEntries = (): ReadonlyMap<number, Survivor> => {
  try {
    const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
    return new Map(pids.flatMap((pid) => readEntry(pid) ?? []).map((entry) => [entry.pid, entry]));
  } catch {
    return new Map();
  }
};

const carries = (pid: number, marker: Buffer): boolean => {
  try {
    return readFileSync(`/proc/${pid}/environ`).includes(marker);
  } catch {
    return false;
  }
};

/** Whatever was seen once is remembered, so that a process whose parent died meanwhile is still known. */
export type ProcessTree = { readonly survivors: () => readonly Survivor[] };

export const processTree = (marker: string, root: ProcessId | undefined): ProcessTree => {
  const wanted = Buffer.from(`${markerName}=${marker}`);
  const known = new Map<number, string>(root ? [[root.pid, root.startTime]] : []);
  return {
    survivors() {
      const entries = readEntries();
      const isKnown = (pid: number) => known.has(pid) && entries.get(pid)?.startTime === known.get(pid);
      const add = ({ pid, startTime }: Survivor) => known.set(pid, startTime);
      // A group's number is not given to others while one of its members lives.
      const groupIsOurs =
        root !== undefined && [...entries.values()].some((e) => e.group === root.pid && isKnown(e.pid));
      for (const entry of entries.values()) {
        if (isKnown(entry.pid)) continue;
        if ((groupIsOurs && entry.group === root.pid) || carries(entry.pid, wanted)) add(entry);
      }
      for (let before = -1; before !== known.size;) {
        before = known.size;
        for (const entry of entries.values()) if (!isKnown(entry.pid) && isKnown(entry.parent)) add(entry);
      }
      return [...entries.values()].filter(({ pid }) => isKnown(pid));
    },
  };
};

/** False when the process is gone. One that may not be signalled is left to the limit of `killTree`. */
export const signalProcess = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
};

const lookAgainMs = 20;
const killLimitMs = 30_000;

/** Kills until nothing is left, twice in a row: a process between fork and exec shows no environment for a moment. */
export const killTree = async (tree: ProcessTree): Promise<void> => {
  const deadline = performance.now() + killLimitMs;
  for (let empty = 0; empty < 2;) {
    const pids = tree.survivors().map(({ pid }) => pid);
    empty = pids.length === 0 ? empty + 1 : 0;
    for (const pid of pids) signalProcess(pid, 'SIGKILL');
    if (performance.now() > deadline) throw new Error(`processes ${pids.join(', ')} could not be killed`);
    if (empty < 2) await pause(lookAgainMs);
  }
};

/** Looks at a service while it is under load, and after it. */
import { setTimeout as pause } from 'node:timers/promises';
import { medianOf } from '#test/support/median.ts';
import { memoryKbOf } from '#test/support/processes.ts';
import { client } from '#test/support/system.ts';
import { z } from 'zod';
import { promised } from './judge.ts';

const Page = z.object({
  tasks: z.array(z.object({ taskId: z.string(), status: z.string() })),
  next: z.string().optional(),
});

/** Resident memory. */
const residentMb = (pid: number): number => memoryKbOf(pid) / 1024;

export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

/** By how much the last quarter lies above the second: in the first, a process grows to the size of its work. */
const grownMb = (resident: readonly number[]): number => {
  const quarter = Math.floor(resident.length / 4);
  return medianOf(resident.slice(-quarter)) - medianOf(resident.slice(quarter, 2 * quarter));
};

/** Asks `/health` every quarter of a second until `work` is done, and looks at the memory of the process behind it. */
export const whileHealthy = async <Result>(url: string, pid: number, work: Promise<Result>) => {
  const done = new AbortController();
  const took: number[] = [];
  const resident: number[] = [];
  let healthy = true;
  const watch = async (): Promise<void> => {
    while (!done.signal.aborted) {
      const ask = async () => {
        const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
        healthy &&= answer?.status === 200;
        await answer?.text();
      };
      took.push(await timed(ask));
      resident.push(residentMb(pid));
      await pause(250);
    }
  };
  const watching = watch();
  const result = await work.finally(() => done.abort());
  await watching;
  return { result, healthy, healthMs: medianOf(took), memoryGrowthMb: grownMb(resident) };
};

/** How long until the median of ten tries is no more than half again what it was before the load. */
export const recovery = async (beforeMs: number, attempt: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  for (;;) {
    const reachedAt = performance.now();
    const took: number[] = [];
    for (let n = 0; n < 10; n += 1) took.push(await timed(attempt));
    if (medianOf(took) <= beforeMs * 1.5) return reachedAt - startedAt;
    if (reachedAt - startedAt > 2 * promised.recoveryMs) return Number.POSITIVE_INFINITY;
  }
};

/** A submission that repeats itself when it is refused, as the answer says. */
export const persistent =
  (url: string, key: string, body: unknown): (() => Promise<void>) =>
  async () => {
    const { post } = client(url, key);
    for (;;) {
      const answer = await post('/api/chat', body);
      await answer.text();
      if (answer.status === 202) return;
      await pause(50);
    }
  };

/** Every stored task and its status; a refusal is waited out. */
export const allTasks = async (url: string, key: string): Promise<Map<string, string>> => {
  const { get } = client(url, key);
  const found = new Map<string, string>();
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const answer = await get(`/api/tasks?limit=100${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
    const text = await answer.text();
    if (answer.status === 429) {
      await pause(1_000);
      continue;
    }
    const { tasks, next } = Page.parse(JSON.parse(text));
    for (const { taskId, status } of tasks) found.set(taskId, status);
    cursor = next;
  }
  return found;
};

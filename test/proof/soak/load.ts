/** A steady load on the whole system: new conversations and old ones, readers, live channels; and what it saw. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Random } from '#test/support/random.ts';
import { TaskView } from '#test/support/system.ts';
import type { System } from '#test/support/system.ts';

export type SoakLoad = {
  readonly submitted: readonly string[];
  readonly requests: () => number;
  readonly faults: readonly string[];
  /** Not submitted, as too many were unfinished. */
  readonly heldBack: () => number;
  readonly run: (durationMs: number) => Promise<void>;
};

const Accepted = z.object({ taskId: z.string() });
/** More than these at once would no longer be a steady load but an overload. */
const unfinishedMax = 40;

export const soakLoad = (system: System, random: Random, perSecond: number): SoakLoad => {
  const submitted: string[] = [];
  const faults: string[] = [];
  let conversations: string[] = [];
  let [requests, heldBack, unfinished] = [0, 0, 0];

  const ask = async (path: string, body?: object): Promise<string | undefined> => {
    requests += 1;
    const answer = await (body === undefined ? system.get(path) : system.post(path, body));
    const told = await answer.text();
    if (answer.ok) return told;
    faults.push(`${path}: ${answer.status} ${told}`);
    return undefined;
  };

  const oneTask = async (): Promise<void> => {
    const sessionId = random.next() < 0.8 ? conversations[random.below(conversations.length)] : undefined;
    const told = await ask('/api/chat', { message: 'reverse abc', ...(sessionId === undefined ? {} : { sessionId }) });
    if (told === undefined) return;
    const { taskId } = Accepted.parse(JSON.parse(told));
    submitted.push(taskId);
    // Followed live to its end, which is the end of the stream.
    if (random.next() < 0.3) await ask(`/api/task/${taskId}/live`);
    for (;;) {
      const seen = await ask(`/api/task/${taskId}?wait=20`);
      if (seen === undefined) return;
      const task = TaskView.parse(JSON.parse(seen));
      if (task.status === 'pending' || task.status === 'processing') continue;
      if (task.status !== 'completed') faults.push(`${taskId} ${task.status}: ${JSON.stringify(task.error)}`);
      if (task.sessionId !== undefined) conversations = [task.sessionId, ...conversations].slice(0, 8);
      return;
    }
  };

  return {
    submitted,
    faults,
    requests: () => requests,
    heldBack: () => heldBack,
    run: async (durationMs) => {
      const startedAt = performance.now();
      const running = new Set<Promise<void>>();
      for (let due = 0; due < durationMs; due += 1000 / perSecond) {
        await pause(Math.max(0, startedAt + due - performance.now()));
        if (unfinished >= unfinishedMax) {
          heldBack += 1;
          continue;
        }
        unfinished += 1;
        const task: Promise<void> = oneTask()
          .catch((fault: unknown) => void faults.push(String(fault)))
          .finally(() => {
            unfinished -= 1;
            running.delete(task);
          });
        running.add(task);
        if (random.next() < 0.2) await ask('/api/tasks?limit=20');
        if (random.next() < 0.2) await ask('/api/sessions');
      }
      await Promise.all(running);
    },
  };
};

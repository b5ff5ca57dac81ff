/** The load: somebody asks for something every so often, whatever becomes of the system, and comes back until it is answered. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Operation, Watched } from '#test/support/history.ts';
import type { Random } from '#test/support/random.ts';
import { connectClient } from './client.ts';
import type { Address } from './client.ts';
import { watch } from './watching.ts';
import type { Watching } from './watching.ts';

/** A client that was not answered asks again with the same key, so often. */
const triesMax = 60;
const againMs = 250;
const leaveWithinMs = 20_000;
/** More than this is a backlog, and what is armed would wait behind it. */
const underWayMax = 40;
const isOver = (status: string): boolean => ['completed', 'failed', 'cancelled'].includes(status);

type Prompt = { readonly ask: object; readonly then?: 'cancel' | 'close' };

const words = 'a long word '.repeat(4_000);

/** Everything a task can meet: words, silence, a long text, an agent that fails, a limit that is too short, a conversation. */
const prompts: readonly ((session: string | undefined) => Prompt)[] = [
  (sessionId) => ({ ask: { message: 'what did I ask before?', ...(sessionId !== undefined && { sessionId }) } }),
  () => ({ ask: { message: 'reverse a short word', priority: 'high' } }),
  (sessionId) => ({
    ask: { message: 'what is 6 times 7?', ...(sessionId !== undefined && { sessionId }) },
    then: 'close',
  }),
  () => ({ ask: { message: 'wait 2 s' }, then: 'cancel' }),
  () => ({ ask: { message: `reverse ${words}`, priority: 'low' } }),
  () => ({ ask: { message: 'wait 1 s', priority: 'high' } }),
  () => ({ ask: { message: 'behave: exit-1-after-prompt\nplease' } }),
  () => ({ ask: { message: 'wait 20 s', timeoutMs: 1_500 } }),
  () => ({ ask: { message: 'write notes.txt: hello', priority: 'low' } }),
];
/** The first of them are asked for most. */
const weights = [0, 0, 0, 1, 1, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 8];

export type Load = {
  readonly operations: () => readonly Operation[];
  readonly watched: () => readonly Watched[];
  /** One of everything, now. */
  readonly burst: () => void;
  /** Asks for nothing new any more; what is under way is brought to its end. */
  readonly stop: () => Promise<void>;
  /** The acknowledged tasks that are not over, each asked about now. */
  readonly open: () => Promise<readonly string[]>;
  /** Resolves when every subscriber has seen the end, or has waited for it too long. */
  readonly watchedOut: () => Promise<void>;
};

export const startLoad = (address: Address, random: Random, everyMs: number): Load => {
  const client = connectClient(address);
  const stopping = new AbortController();
  const leaving = new AbortController();
  const underWay = new Set<Promise<void>>();
  const watching: Watching[] = [];
  const acknowledged = new Set<string>();
  const sessions: string[] = [];
  let marks = 0;

  const submit = async (prompt: object, tries: number): Promise<string | undefined> => {
    marks += 1;
    const mark = `mark-${marks}`;
    for (let nth = 0; nth < tries; nth += 1) {
      const told = await client.submit(mark, prompt);
      if (told === 'refused') return undefined;
      if (told !== 'unknown') return told;
      await pause(againMs);
    }
    return undefined;
  };

  const live = async ({ ask, then }: Prompt, choice: number, tries: number): Promise<void> => {
    const taskId = await submit(ask, tries);
    if (taskId === undefined) return;
    acknowledged.add(taskId);
    if (choice < 4) watching.push(watch(address, taskId, choice < 2 ? 'events' : 'socket', leaving.signal));
    await client.read(taskId);
    await pause(choice * 100);
    if (then === 'cancel') await client.cancel(taskId);
    let shown = await client.read(taskId, '?wait=2');
    if (typeof shown === 'object' && shown.sessionId !== undefined) {
      if (then === 'close') await client.look(`/api/session/${shown.sessionId}/close`, {});
      if (sessions.push(shown.sessionId) > 5) sessions.shift();
    }
    for (const path of [`/api/task/${taskId}/events`, `/api/task/${taskId}?at=1`, '/api/tasks', '/api/sessions'])
      await client.look(path);
    while (!stopping.signal.aborted && !(typeof shown === 'object' && isOver(shown.status))) {
      shown = await client.read(taskId, '?wait=5');
      if (shown === 'unknown') await pause(againMs);
    }
    if (typeof shown === 'object' && isOver(shown.status)) acknowledged.delete(taskId);
  };

  const begin = (kind: number): void => {
    const prompt = prompts[kind]?.(sessions[random.below(sessions.length)]);
    if (!prompt || underWay.size >= underWayMax) return;
    // One in four gives up at the first silence, and never learns what became of it.
    const living = live(prompt, random.below(10), random.below(4) === 0 ? 1 : triesMax);
    underWay.add(living);
    void living.finally(() => underWay.delete(living));
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      begin(weights[random.below(weights.length)] ?? 0);
      await pause(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    operations: client.operations,
    watched: () => watching.map(({ watched }) => watched()),
    burst: () => prompts.forEach((_, kind) => begin(kind)),
    stop: async () => {
      stopping.abort();
      await running;
      await Promise.all(underWay);
    },
    open: async () => {
      await Promise.all(
        [...acknowledged].map(async (taskId) => {
          const shown = await client.read(taskId);
          if (typeof shown === 'object' && isOver(shown.status)) acknowledged.delete(taskId);
        }),
      );
      return [...acknowledged];
    },
    watchedOut: async () => {
      const limit = setTimeout(() => leaving.abort(), leaveWithinMs);
      await Promise.all(watching.map(({ over }) => over));
      clearTimeout(limit);
    },
  };
};

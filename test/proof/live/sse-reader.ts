/** `curl -N` with patience: follows one task as Server-Sent Events, and comes back with `Last-Event-ID` until the outcome. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import type { Random } from '#test/support/random.ts';
import { digestOf } from './record.ts';
import type { Heard } from './record.ts';

const Data = jsonText(
  z.object({ type: z.string(), stream: z.string(), version: z.int().optional(), event: z.unknown() }),
);

export type SseReader = AsyncDisposable & {
  readonly heard: readonly Heard[];
  /** Drops its connection, and comes back. */
  readonly disturb: () => void;
  /** Whether the server has said that there is nothing more. */
  readonly isOver: () => boolean;
};

export type SseOptions = {
  readonly url: () => string;
  readonly key: string;
  readonly stream: string;
  readonly random: Random;
};

export const readSse = ({ url, key, stream, random }: SseOptions): SseReader => {
  const heard: Heard[] = [];
  const ending = new AbortController();
  let dropped = new AbortController();

  const take = (block: string): void => {
    const data = block.split('\n').find((line) => line.startsWith('data: '));
    const { version, event, ...message } = data === undefined ? { stream } : Data.parse(data.slice(6));
    if (version !== undefined) heard.push({ stream: message.stream, version, digest: digestOf(event) });
  };
  /** True once the outcome was given. */
  const follow = async (): Promise<boolean> => {
    const last = heard.at(-1)?.version;
    const headers = { authorization: `Bearer ${key}`, ...(last ? { 'last-event-id': String(last) } : {}) };
    const signal = AbortSignal.any([ending.signal, dropped.signal]);
    const answer = await fetch(`${url()}/api/task/${stream.slice('task/'.length)}/live`, { headers, signal });
    if (answer.status === 204) return true;
    let rest = '';
    if (!answer.ok || !answer.body) return false;
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      blocks.forEach(take);
    }
    return false;
  };
  let over = false;
  const run = async (): Promise<void> => {
    while (!over && !ending.signal.aborted) {
      dropped = new AbortController();
      over = await follow().catch(() => false);
      await pause(random.below(200));
    }
  };
  const running = run();
  return {
    heard,
    isOver: () => over,
    disturb: () => dropped.abort(),
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await running;
    },
  };
};

/** The work queue of one worker, in its own memory. */
import { addAbortListener } from 'node:events';
import type { StreamId } from '#events/envelope.ts';
import type { TakeHint } from '../../../services/worker/work-loop.ts';

export const hintQueue = (): { readonly add: (stream: StreamId) => void; readonly take: TakeHint } => {
  const streams: StreamId[] = [];
  let arrived = Promise.withResolvers<void>();
  return {
    add(stream) {
      streams.push(stream);
      arrived.resolve();
      arrived = Promise.withResolvers();
    },
    async take(signal) {
      const called = Promise.withResolvers<void>();
      using _listening = addAbortListener(signal, () => called.resolve());
      while (streams.length === 0 && !signal.aborted) await Promise.race([arrived.promise, called.promise]);
      const stream = signal.aborted ? undefined : streams.shift();
      return stream && { stream, extend: async () => undefined, done: async () => undefined };
    },
  };
};

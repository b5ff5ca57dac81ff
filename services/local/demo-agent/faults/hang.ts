/** The agent is alive and of no use. */
import { setInterval } from 'node:timers/promises';
import type { Faults, Stage } from '../fault.ts';

export const hang = (): Promise<never> => new Promise(() => undefined);

const beat = async ({ update, amount }: Stage): Promise<void> => {
  for await (const text of setInterval(amount, 'still thinking\n')) {
    update({ sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text } });
  }
};

const ignoreSignals = ({ wire }: Stage): Promise<never> => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  wire.outliveInput();
  return hang();
};

export const faults: Faults = {
  'hangs-before-hello': { 'mid-handshake': hang },
  'hangs-silent': { 'after-prompt': hang },
  'hangs-heart-beating': { 'after-prompt': beat },
  'ignores-sigterm': { 'after-prompt': ignoreSignals },
  'ignores-stdin-close': { 'after-result': ({ wire }) => wire.outliveInput() },
};

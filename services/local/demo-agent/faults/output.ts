/** More output than anybody wants, proper and improper. */
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Faults, Stage } from '../fault.ts';

const mebibyte = 1024 * 1024;
const lines = Buffer.from('all work and no play makes a very dull line of output, said Jack.....\n'.repeat(15_000));
const noLine = Buffer.alloc(mebibyte, 'x');

/** Lets the event loop turn after each piece, so that a signal or a cancel is not starved. */
const flood =
  (piece: () => Uint8Array) =>
  async ({ wire, amount }: Stage): Promise<void> => {
    for (let left = amount * mebibyte; left > 0;) {
      const bytes = piece().subarray(0, left);
      await wire.write(bytes);
      await setImmediate();
      left -= bytes.length;
    }
    await wire.write('\n');
  };

const writeStderr = (bytes: string | Uint8Array): Promise<void> =>
  new Promise((resolve) => process.stderr.write(bytes, () => resolve()));

const floodStderr = async ({ amount }: Stage): Promise<void> => {
  for (let left = amount * mebibyte; left > 0; left -= lines.length) {
    await writeStderr(lines.subarray(0, left));
    await setImmediate();
  }
};

const floodUpdates = async ({ amount, say }: Stage): Promise<void> => {
  for (let left = amount * mebibyte; left > 0; left -= 1024) {
    say('0123456789abcde '.repeat(64));
    if (left % mebibyte === 0) await setImmediate();
  }
};

const interleave = async ({ amount, sessionId, wire }: Stage): Promise<void> => {
  for (let chunk = 1; chunk <= amount; chunk += 1) {
    const line = `${JSON.stringify(textUpdate(sessionId, `chunk ${chunk} of ${amount}\n`))}\n`;
    for (const piece of line.match(/.{1,40}|\n/gs) ?? []) {
      await wire.write(piece);
      await writeStderr('{"jsonrpc":"2.0",');
    }
  }
};

/** A text chunk as a whole message, for faults that write it in their own way. */
export const textUpdate = (sessionId: string, text: string) => ({
  jsonrpc: '2.0',
  method: 'session/update',
  params: { sessionId, update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } } },
});

export const faults: Faults = {
  'floods-lines': { 'mid-result': flood(() => lines) },
  'floods-one-line': { 'mid-result': flood(() => noLine) },
  'floods-random': { 'mid-result': flood(() => randomBytes(mebibyte)) },
  'floods-stderr': { 'mid-result': floodStderr },
  'floods-updates': { 'mid-result': floodUpdates },
  interleaves: { 'mid-result': interleave },
};

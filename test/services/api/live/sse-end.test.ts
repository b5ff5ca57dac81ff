import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import type { Frame } from '../../../../services/api/live/frame.ts';
import { eventStream } from '../../../../services/api/live/sse.ts';

const stream = 'task/01a20000-0000-7000-8000-000000000001';
const frame = (version: number, type: string): Frame => ({ stream, version, type, bytes: Buffer.from('{}') });

/** What follows a task, and whether it was let go. */
const followed = () => {
  let isHeld = true;
  async function* steps(): AsyncGenerator<Frame | 'live', undefined> {
    try {
      yield frame(1, 'TaskSubmitted');
      yield frame(2, 'TaskCompleted');
      yield 'live';
    } finally {
      isHeld = false;
    }
  }
  return { steps: steps(), letGo: () => (isHeld ? undefined : true) };
};

describe('an event stream lets go of what it follows', () => {
  it('when the outcome ends it', async () => {
    const { steps, letGo } = followed();
    for await (const chunk of eventStream(steps, stream, 60_000, () => undefined)) assert.ok(chunk.length > 0);
    await eventually(letGo, 'it is still followed');
  });

  it('when its reader goes away between two facts', async () => {
    const { steps, letGo } = followed();
    const reader = eventStream(steps, stream, 60_000, () => undefined).getReader();
    await reader.read();
    await reader.read();
    await reader.cancel();
    await eventually(letGo, 'it is still followed');
  });
});

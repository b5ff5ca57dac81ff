import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TaskUpdate } from '#events/task-update.ts';
import { progressReporter, reportCharsMax, reportEveryMs, updateBuffer } from '../../../services/worker/progress.ts';

const text = (words: string): TaskUpdate => ({ kind: 'text', text: words });
const said = (updates: readonly TaskUpdate[]): string =>
  updates.map((update) => (update.kind === 'text' ? update.text : '')).join('');

describe('the progress of a turn', () => {
  it('joins words that follow one another and keeps everything else apart, in order', () => {
    const buffer = updateBuffer();
    const tool = { kind: 'tool', toolCallId: '1', title: 'write', tool: 'edit', status: 'completed' } as const;
    for (const update of [text('a'), text('b'), tool, text('c')]) buffer.add(update);
    assert.deepEqual(buffer.take(), [text('ab'), tool, text('c')]);
  });

  it('says how much it left out when an agent says more than a report may carry', () => {
    const buffer = updateBuffer();
    buffer.add(text('x'.repeat(reportCharsMax)));
    buffer.add(text('too much'));
    assert.deepEqual(buffer.take().at(-1), { kind: 'notice', text: '8 characters left out of the live feed' });
    assert.ok(buffer.isEmpty());
  });

  it('never leaves out usage, for somebody pays for it', () => {
    const buffer = updateBuffer();
    buffer.add(text('x'.repeat(reportCharsMax)));
    buffer.add({ kind: 'usage', credits: 1 });
    assert.ok(buffer.take().some(({ kind }) => kind === 'usage'));
  });

  it('reports every word once and in order, however fast they come and however slow the store is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ minLength: 1, maxLength: 8 }), { maxLength: 40 }), async (words) => {
        const reports: TaskUpdate[][] = [];
        const reporter = progressReporter(async (updates) => {
          await Promise.resolve();
          reports.push(updates);
        });
        for (const [index, word] of words.entries()) {
          reporter.add(text(word));
          if (index % 3 === 0) await Promise.resolve();
        }
        await reporter.finish();
        assert.equal(said(reports.flat()), words.join(''));
      }),
      { numRuns: 200 },
    );
  });

  it('reports the first words at once and then at most four times a second', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const reports: TaskUpdate[][] = [];
    const reporter = progressReporter(async (updates) => void reports.push(updates));
    const settled = async () => {
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    };
    reporter.add(text('first'));
    await settled();
    assert.equal(reports.length, 1);
    for (const word of ['a', 'b', 'c']) reporter.add(text(word));
    await settled();
    assert.equal(reports.length, 1);
    t.mock.timers.tick(reportEveryMs);
    await settled();
    assert.deepEqual(reports[1], [text('abc')]);
  });
});

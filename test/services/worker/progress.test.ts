import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
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

  /** Reports as they are made, on a clock that stands still until it is told to move. */
  const reporting = (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const reports: TaskUpdate[][] = [];
    const reporter = progressReporter(async (updates) => void reports.push(updates));
    const pass = async (ms: number): Promise<void> => {
      t.mock.timers.tick(ms);
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    };
    return { reports, add: reporter.add, pass };
  };

  it('reports the first words at once and then at most four times a second', async (t) => {
    const { reports, add, pass } = reporting(t);
    add(text('first'));
    await pass(0);
    assert.equal(reports.length, 1);
    for (const word of ['a', 'b', 'c']) add(text(word));
    await pass(reportEveryMs - 1);
    assert.equal(reports.length, 1);
    await pass(1);
    assert.deepEqual(reports[1], [text('abc')]);
  });

  it('does not keep the first words of the answer waiting behind a plan, and makes up for it', async (t) => {
    const { reports, add, pass } = reporting(t);
    const plan: TaskUpdate = { kind: 'plan', entries: [] };
    add(plan);
    await pass(100);
    assert.deepEqual(reports, [[plan]]);
    add(text('first'));
    await pass(0);
    assert.deepEqual(reports[1], [text('first')]);
    add(text('second'));
    await pass(2 * reportEveryMs - 1);
    assert.equal(reports.length, 2);
    await pass(1);
    assert.deepEqual(reports[2], [text('second')]);
  });

  it('does not keep them waiting either when they come while a report is being stored', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const stored = Promise.withResolvers<void>();
    const reports: TaskUpdate[][] = [];
    const reporter = progressReporter(async (updates) => {
      reports.push(updates);
      await stored.promise;
    });
    reporter.add({ kind: 'plan', entries: [] });
    reporter.add(text('first'));
    stored.resolve();
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    assert.deepEqual(reports[1], [text('first')]);
  });
});

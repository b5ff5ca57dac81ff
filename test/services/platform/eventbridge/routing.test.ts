/** The routing of facts to queues, and what happens to a file that is not one. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ZodError } from 'zod';
import { Priority } from '#events/task.ts';
import { priorityOf, readRouting, Routing } from '#platform/eventbridge/routing.ts';

const rule = { name: 'work-high', pattern: { source: ['kiro-dispatch'] }, targets: [{ queue: 'work-high' }] };

describe('events/routing.json', () => {
  it('has a rule for each priority that leads to the queue of that priority and nowhere else', async () => {
    const { rules } = await readRouting();
    for (const priority of Priority.options) {
      const found = rules.filter(({ targets }) => targets.some((target) => priorityOf(target) === priority));
      assert.deepEqual(
        found.map(({ pattern, targets }) => ({ pattern, targets })),
        [
          {
            pattern: {
              source: ['kiro-dispatch'],
              'detail-type': ['TaskSubmitted', 'TaskRetried'],
              detail: { priority: [priority] },
            },
            targets: [{ queue: `work-${priority}` }],
          },
        ],
      );
    }
  });
});

describe('a routing', () => {
  for (const [sentence, routing, where] of [
    ['without rules', { rules: [] }, 'rules'],
    ['with a queue that no worker reads', { rules: [{ ...rule, targets: [{ queue: 'work-urgent' }] }] }, 'queue'],
    ['with a rule that leads nowhere', { rules: [{ ...rule, targets: [] }] }, 'targets'],
    ['with a pattern EventBridge would refuse', { rules: [{ ...rule, pattern: { source: 'x' } }] }, 'pattern'],
    ['with two rules of one name', { rules: [rule, rule] }, 'rules'],
    ['with a field that nobody reads', { rules: [{ ...rule, priority: 1 }] }, 'rules'],
  ] as const) {
    it(`is refused ${sentence}`, () => {
      const { error } = Routing.safeParse(routing);
      assert.ok(
        error?.issues.some(({ path }) => path.includes(where)),
        String(error),
      );
    });
  }

  it('that cannot be read is told with its path and the cause', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'routing-'));
    const path = join(directory.path, 'routing.json');
    await writeFile(path, JSON.stringify({ rules: [{ ...rule, name: 'a name' }] }));
    await assert.rejects(readRouting(path), (fault: Error) => {
      assert.match(fault.message, /routing\.json is not a routing/);
      assert.ok(fault.cause instanceof ZodError);
      return true;
    });
  });
});

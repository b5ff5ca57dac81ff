import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { catalog } from '#events/catalog.ts';
import { AccountId, SessionId, TaskId, WorkerId } from '#events/ids.ts';
import type { TaskCommand } from '#events/task.ts';
import type { TaskUpdate } from '#events/task-update.ts';
import { handler } from '#platform/handle.ts';
import { memoryStore } from '#platform/memory/store.ts';
import { uuidv7 } from '#platform/uuid.ts';

const error = { class: 'agent-failed', message: 'm', remedy: 'r', retryable: true } as const;
const attempt = fc.integer({ min: 1, max: 3 });
const workerId = fc.constantFrom(WorkerId.parse(uuidv7(1)), WorkerId.parse(uuidv7(2)));
const updates: TaskUpdate[] = [{ kind: 'text', text: 'word' }];
const command: fc.Arbitrary<TaskCommand> = fc.oneof(
  workerId.map((id) => ({ type: 'start', workerId: id, sessionId: SessionId.parse(uuidv7(3)) }) as const),
  fc.record({ attempt, seq: attempt }).map((report) => {
    return { type: 'progress', ...report, updates } as const;
  }),
  fc.constant({ type: 'request-cancel' } as const),
  attempt.map((n) => ({ type: 'interrupt', attempt: n, cause: 'agent-failed', error }) as const),
  attempt.map((n) => {
    return { type: 'complete', attempt: n, result: { kind: 'inline', text: 'done' }, stopReason: 'end_turn' } as const;
  }),
  attempt.map((n) => ({ type: 'fail', attempt: n, error }) as const),
);

describe('a life of commands in the store', () => {
  it('leaves dense versions, and a row that is the fold of the stream at its version', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 20 }), fc.boolean(), async (commands, atOnce) => {
        const store = memoryStore({ shards: 4, clock: Date.now });
        const handle = handler(catalog.task.decider, catalog.task.parseRow, store, Date.now);
        const stream = `task/${TaskId.parse(uuidv7(Date.now()))}` as const;
        const owner = AccountId.parse('ada000000000');
        const prompt = { kind: 'inline', text: 'p' } as const;
        const limits = { timeoutMs: 1, attemptsMax: 2 } as const;
        const send = (next: TaskCommand) => handle(stream, next, { actor: 'local:test', correlationId: 'c' });
        await send({ type: 'submit', owner, prompt, priority: 'normal', ...limits });
        if (atOnce) await Promise.all(commands.map(send));
        else for (const next of commands) await send(next);
        const facts = await store.readStream(stream, 0);
        assert.deepEqual(
          facts.map(({ version }) => version),
          facts.map((_, index) => index + 1),
        );
        const stored = await store.readRow(stream);
        assert.equal(stored?.version, facts.length);
        assert.deepEqual(stored.row, JSON.parse(JSON.stringify(catalog.task.rebuild(facts))));
      }),
      { numRuns: 500 },
    );
  });
});

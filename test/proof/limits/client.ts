/** A client that keeps account of what was promised to it, and holds the system to it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { eventually } from '#test/support/eventually.ts';
import type { System } from '#test/support/system.ts';

const Problem = z.looseObject({ type: z.string(), title: z.string(), status: z.int() });
const Accepted = z.object({ taskId: z.string() });

export const client = (system: System) => {
  const promised = new Set<string>();
  /** Requests that were never answered, by their idempotency key: each may have been carried out. */
  const open = new Map<string, string>();
  const counts = { accepted: 0, refused: 0, unanswered: 0 };

  const ask = async (message: string, key: string): Promise<boolean> => {
    const answer = await fetch(`${system.url}/api/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${system.key}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ message }),
      signal: AbortSignal.timeout(20_000),
    }).catch(() => undefined);
    if (answer === undefined) {
      counts.unanswered += 1;
      open.set(key, message);
      return false;
    }
    const body: unknown = await answer.json();
    open.delete(key);
    if (answer.status === 202) {
      promised.add(Accepted.parse(body).taskId);
      counts.accepted = promised.size;
      return true;
    }
    Problem.parse(body);
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers.get('retry-after')) > 0, 'a 503 says when to come again');
    counts.refused += 1;
    return false;
  };

  return {
    counts,
    /** A refusal has to be one that a client can act on: 503, a problem, and when to come again. */
    submit: (message: string): Promise<boolean> => ask(message, randomUUID()),
    submitUntilTaken: (message: string): Promise<true> => {
      const key = randomUUID();
      return eventually(async () => (await ask(message, key)) || undefined, 'nothing is accepted', 30_000);
    },
    /** Everything promised completes, and everything unanswered is asked again under its key. */
    allComplete: async (): Promise<void> => {
      for (const [key, message] of open) await ask(message, key);
      const ended = await Promise.all([...promised].map((taskId) => system.outcome(taskId, 120_000)));
      assert.deepEqual(
        ended.filter(({ status }) => status !== 'completed'),
        [],
      );
    },
  };
};

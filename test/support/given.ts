/** given/when/then for deciders: facts happened, a command comes, these facts follow or this refusal. */
import assert from 'node:assert/strict';
import { absent } from '#events/decider.ts';
import type { Absent, Decider } from '#events/decider.ts';
import type { Envelope, StreamId } from '#events/envelope.ts';

const epoch = Date.UTC(2026, 0, 1);

/** Puts bare facts into envelopes: versions from `after + 1`, one second between two facts. */
export const stored = <Fact extends object>(stream: StreamId, facts: readonly Fact[], after = 0): (Fact & Envelope)[] =>
  facts.map((fact, index) => ({
    ...fact,
    id: `00000000-0000-7000-8000-${String(after + index + 1).padStart(12, '0')}`,
    stream,
    version: after + index + 1,
    at: new Date(epoch + (after + index) * 1000).toISOString(),
    actor: 'local:test',
    correlationId: 'test',
  }));

export const foldOf = <State, Fact extends object, Command, Refusal extends string>(
  { evolve }: Decider<State, Fact, Fact & Envelope, Command, Refusal>,
  stream: StreamId,
  facts: readonly Fact[],
): State | Absent => stored(stream, facts).reduce<State | Absent>(evolve, absent);

export const given = <State, Fact extends object, Command, Refusal extends string>(
  decider: Decider<State, Fact, Fact & Envelope, Command, Refusal>,
  stream: StreamId,
  ...facts: readonly Fact[]
) => ({
  when: (command: Command) => {
    const decision = decider.decide(foldOf(decider, stream, facts), command);
    return {
      then: (...expected: readonly Fact[]) => assert.deepEqual(decision, { accepted: true, facts: expected }),
      refused: (refusal: Refusal) => assert.deepEqual(decision, { accepted: false, refusal }),
    };
  },
});

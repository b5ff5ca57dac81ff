/** What holds of every aggregate, whatever commands come in whatever order. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { absent } from '#events/decider.ts';
import type { Absent, Decider } from '#events/decider.ts';
import type { Recorded, StreamId } from '#events/envelope.ts';
import { stored } from '#test/support/given.ts';

/** Chooses the next command, knowing the state: pure chance alone would hardly ever reach the end of a long life. */
export type Step<State, Command> = (state: State | Absent) => Command;

type Subject<State, Fact, Command, Refusal extends string> = {
  readonly aggregate: {
    readonly decider: Decider<State, Fact & object, Recorded<Fact>, Command, Refusal>;
    readonly facts: { readonly options: readonly { readonly shape: { readonly type: { readonly value: string } } }[] };
    readonly parse: (stored: unknown) => Recorded<Fact>;
    readonly parseRow: (row: unknown) => State;
    readonly rebuild: (facts: readonly unknown[]) => State | Absent;
  };
  readonly stream: StreamId;
  readonly step: fc.Arbitrary<Step<State, Command>>;
  /** The facts after which nothing may follow, where the aggregate has an end. */
  readonly outcomes?: readonly string[];
};

type Life<State, Fact> = { readonly history: readonly Recorded<Fact>[]; readonly state: State | Absent };

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** The subject's laws as tests, and the arbitrary life that laws of its own are about. */
export const laws = <State extends object, Fact extends { type: string }, Command, Refusal extends string>(
  subject: Subject<State, Fact, Command, Refusal>,
) => {
  const { aggregate, stream, step, outcomes = [] } = subject;
  const { evolve, decide } = aggregate.decider;

  const live = ({ history, state }: Life<State, Fact>, command: Command): Life<State, Fact> | undefined => {
    const decision = decide(state, command);
    if (!decision.accepted) return undefined;
    const facts = stored(stream, decision.facts, history.length);
    return { history: [...history, ...facts], state: facts.reduce<State | Absent>(evolve, state) };
  };
  const unborn: Life<State, Fact> = { history: [], state: absent };
  const steps = fc.array(step, { minLength: 1, maxLength: 60, size: 'max' });
  const lives = steps.map((taken) => taken.reduce((life, next) => live(life, next(life.state)) ?? life, unborn));
  const always = (holds: (life: Life<State, Fact>) => void) => fc.assert(fc.property(lives, holds), { numRuns: 1_000 });

  it('an accepted command repeated at once changes nothing', () =>
    fc.assert(
      fc.property(lives, step, (life, next) => {
        const command = next(life.state);
        const after = live(life, command);
        if (after !== undefined) assert.deepEqual((live(after, command) ?? after).history, after.history);
      }),
      { numRuns: 1_000 },
    ));

  it('every history can be folded again, from what was stored, into the same row', () =>
    always(({ history, state }) => {
      assert.deepEqual(aggregate.rebuild(history.map(throughJson)), state);
      if (history.length > 0) assert.deepEqual(aggregate.parseRow(throughJson(state)), state);
    }));

  it('every fact read back is the fact that was stored', () =>
    always(({ history }) => history.forEach((fact) => assert.deepEqual(aggregate.parse(throughJson(fact)), fact))));

  if (outcomes.length > 0) {
    it('there is one outcome at most, and nothing after it', () =>
      always(({ history }) => {
        const first = history.findIndex(({ type }) => outcomes.includes(type));
        assert.ok(first === -1 || first === history.length - 1, history.map(({ type }) => type).join(' '));
      }));
  }

  it('the lives that these laws are about contain every fact', () => {
    const seen = new Set(fc.sample(lives, 1_000).flatMap(({ history }) => history.map(({ type }) => type)));
    const missing = aggregate.facts.options.map(({ shape }) => shape.type.value).filter((type) => !seen.has(type));
    assert.deepEqual(missing, []);
  });

  return { always };
};

/** Streams inside a model: they grow by what the real deciders decide, and by nothing else. */
import { absent } from '#events/decider.ts';
import type { Absent, Decider } from '#events/decider.ts';
import type { Envelope, StreamId } from '#events/envelope.ts';

/** A stream as the store holds it. The row is what the last writer made of what it knew, as `handle.ts` does. */
export type Life<State, Fact> = {
  readonly before: Life<State, Fact> | undefined;
  readonly version: number;
  readonly facts: readonly (Fact & Envelope)[];
  readonly row: State | Absent;
};

/** What an append would write: facts for `expected + 1` and on, and the row after them. */
export type Change<State, Fact> = {
  readonly expected: number;
  readonly facts: readonly (Fact & Envelope)[];
  readonly row: State | Absent;
};

export type Decided<State, Fact, Refusal> =
  | { readonly decided: 'change'; readonly change: Change<State, Fact> }
  | { readonly decided: 'already-so' }
  | { readonly decided: 'refused'; readonly refusal: Refusal };

/** Who writes, and which of its tries this is: together they name the facts, so that a writer finds its own again. */
export type Writer = { readonly actor: Envelope['actor']; readonly number: number; readonly round: number };

const factId = ({ number, round }: Writer, version: number): string =>
  `00000000-0000-7${String(round).padStart(3, '0')}-8${String(number).padStart(3, '0')}-${String(version).padStart(12, '0')}`;

export const livesOf = <State extends object, Fact extends object, Command, Refusal extends string>({
  decide,
  evolve,
}: Decider<State, Fact, Fact & Envelope, Command, Refusal>) => {
  type L = Life<State, Fact>;
  type C = Change<State, Fact>;
  // A search asks the same questions in millions of states.
  const decisions = new WeakMap<L, Map<string, Decided<State, Fact, Refusal>>>();
  const growths = new WeakMap<C, WeakMap<L, L>>();
  const unborn: L = { before: undefined, version: 0, facts: [], row: absent };

  const decideAnew = (
    stream: StreamId,
    life: L,
    command: Command,
    writer: Writer,
    at: number,
  ): Decided<State, Fact, Refusal> => {
    const decision = decide(life.row, command);
    if (!decision.accepted) return { decided: 'refused', refusal: decision.refusal };
    const facts = decision.facts.map((fact, index) => ({
      ...fact,
      ...{ id: factId(writer, life.version + index + 1), stream, version: life.version + index + 1 },
      ...{ at: new Date(at).toISOString(), actor: writer.actor, correlationId: 'model' },
    }));
    if (facts.length === 0) return { decided: 'already-so' };
    const row = facts.reduce<State | Absent>(evolve, life.row);
    return { decided: 'change', change: { expected: life.version, facts, row } };
  };
  return {
    unborn,
    /** Decides on the stream as the writer knows it; nothing is written by that. */
    decide: (stream: StreamId, life: L, command: Command, writer: Writer, at = 0): Decided<State, Fact, Refusal> => {
      const known = decisions.get(life) ?? new Map<string, Decided<State, Fact, Refusal>>();
      decisions.set(life, known);
      const question = JSON.stringify([command, writer, at]);
      const decided = known.get(question) ?? decideAnew(stream, life, command, writer, at);
      known.set(question, decided);
      return decided;
    },
    /** The stream after the change, whatever it was made for; the same change of the same life is one object. */
    grow: (life: L, change: C): L => {
      const known = growths.get(change) ?? new WeakMap<L, L>();
      growths.set(change, known);
      const grown = known.get(life) ?? {
        ...{ before: life, version: change.expected + change.facts.length },
        ...{ facts: [...life.facts, ...change.facts], row: change.row },
      };
      known.set(life, grown);
      return grown;
    },
  };
};

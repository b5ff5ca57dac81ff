/** The shape every aggregate has. Learn one and you have learned all of them. */

/** What a command led to: the facts that become true (none means "already so"), or a refusal the caller must handle. */
export type Decision<Fact, Refusal extends string> =
  | { readonly accepted: true; readonly facts: readonly Fact[] }
  | { readonly accepted: false; readonly refusal: Refusal };

/** Accepting with no facts means "already so", which makes every command safe to repeat. */
export const accept = <const Facts extends readonly unknown[]>(...facts: Facts) => ({ accepted: true, facts }) as const;

export const reject = <Refusal extends string>(refusal: Refusal) => ({ accepted: false, refusal }) as const;

/** The state of a stream that holds nothing yet. */
export const absent = { status: 'absent' } as const;
export type Absent = typeof absent;

/**
 * Pure: no I/O, clock, randomness or logging. `evolve` folds stored facts (with their envelope) into the state, which
 * is at the same time the row that readers see; `decide` turns a command into facts that are not stored yet.
 */
export type Decider<State, Fact, Stored extends Fact, Command, Refusal extends string> = {
  readonly evolve: (state: State | Absent, stored: Stored) => State;
  readonly decide: (state: State | Absent, command: Command) => Decision<Fact, Refusal>;
};

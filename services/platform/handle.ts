/** Load, fold, decide, append; again when the stream moved. Every change of every aggregate goes through here. */
import type { Absent, Decider } from '#events/decider.ts';
import { absent } from '#events/decider.ts';
import type { Envelope, StreamId } from '#events/envelope.ts';
import type { AppendOptions, Commit, Origin, Row, Store } from './store.ts';
import { uuidv7 } from './uuid.ts';

/**
 * What a caller already knows of the stream; saves the read. It is believed only where an append checks it: a refusal, or
 * "already so", that rests on it is decided again on the stored row.
 */
export type Loaded<State> = { readonly state: State | Absent; readonly version: number };

export type Handled<State, Refusal extends string> =
  | { readonly outcome: 'appended'; readonly state: State; readonly version: number; readonly commit: Commit }
  /** The command was accepted and had already been carried out. */
  | { readonly outcome: 'unchanged'; readonly state: State | Absent; readonly version: number }
  | { readonly outcome: 'refused'; readonly refusal: Refusal; readonly state: State | Absent }
  | { readonly outcome: 'fenced' }
  | { readonly outcome: 'duplicate'; readonly requestHash: string; readonly result: string };

export type HandleOptions<State> = Omit<AppendOptions, 'row'> & { readonly known?: Loaded<State> };

/** A stream that moves under every one of this many decisions is written by somebody who does not stop. */
const roundsMax = 50;

export type Handle<State, Command, Refusal extends string> = (
  stream: StreamId,
  command: Command,
  origin: Origin,
  options?: HandleOptions<State>,
) => Promise<Handled<State, Refusal>>;

/** `parseRow` reads a stored row back into the state of the aggregate. */
export const handler =
  <State extends Row, Fact extends { type: string; v: number }, Command, Refusal extends string>(
    decider: Decider<State, Fact, Fact & Envelope, Command, Refusal>,
    parseRow: (row: unknown) => State,
    store: Pick<Store, 'append' | 'readRow'>,
    clock: () => number,
  ): Handle<State, Command, Refusal> =>
  async (stream, command, origin, { known, ...options } = {}) => {
    let believed = known;
    for (let round = 0; round < roundsMax; round += 1) {
      const { state, version } = believed ?? (await load(stream, parseRow, store));
      const decision = decider.decide(state, command);
      if (believed && !(decision.accepted && decision.facts.length > 0)) {
        believed = undefined;
        continue;
      }
      if (!decision.accepted) return { outcome: 'refused', refusal: decision.refusal, state };
      const now = clock();
      const at = new Date(now).toISOString();
      const stored = decision.facts.map((fact, index) => ({
        ...fact,
        ...origin,
        ...{ id: uuidv7(now), stream, version: version + index + 1, at },
      }));
      const [first, ...rest] = stored;
      if (first === undefined) return { outcome: 'unchanged', state, version };
      const next = rest.reduce(decider.evolve, decider.evolve(state, first));
      const result = await store.append(stream, version, stored, { ...options, row: next });
      switch (result.outcome) {
        case 'appended':
          return { outcome: 'appended', state: next, version: version + stored.length, commit: result.commit };
        case 'conflict':
          believed = undefined;
          continue;
        case 'fenced':
        case 'duplicate':
          return result;
      }
    }
    throw new Error(`${stream} moved under ${roundsMax} decisions in a row`);
  };

const load = async <State>(
  stream: StreamId,
  parseRow: (row: unknown) => State,
  store: Pick<Store, 'readRow'>,
): Promise<Loaded<State>> => {
  const stored = await store.readRow(stream);
  return stored ? { state: parseRow(stored.row), version: stored.version } : { state: absent, version: 0 };
};

/** Knows which request belongs to which cell of the matrix: by the context it is made in, or by an id that it names. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Call, Fault } from '#test/support/faulty-aws.ts';

/** Which of the requests that match is struck; a transaction that is sent again is the same request. */
export type Plan = { readonly matches: (call: Call) => boolean; readonly nth: number | 'all'; readonly strike: Strike };
/** Called for every attempt of the request that was chosen. */
export type Strike = (call: Call) => Fault | undefined;

/** One request of a cell; `attempts` counts all of them at the wire, whoever repeated it. */
export type Asked = { readonly call: Call; attempts: number };

export const tokenOf = (input: object): string | undefined =>
  'ClientRequestToken' in input && typeof input.ClientRequestToken === 'string' ? input.ClientRequestToken : undefined;

/** A body may be large and names nobody. */
export const textOf = (input: object): string =>
  JSON.stringify(input, (field, value: unknown) => (field === 'Body' ? undefined : value));

/** What a queue may do with a message. */
export type Delivery = 'twice' | 'late' | 'never';

export class Cell {
  readonly name: string;
  readonly asked: Asked[] = [];
  /** How often the fault has struck. */
  struck = 0;
  readonly #plan: Plan | undefined;
  #delivery: Delivery | undefined;
  readonly #known = new Map<unknown, Asked>();
  #matching = 0;
  readonly #chosen = new Set<Asked>();
  #armed = true;

  constructor(name: string, plan?: Plan | Delivery) {
    this.name = name;
    if (typeof plan === 'string') this.#delivery = plan;
    else this.#plan = plan;
  }

  /** What becomes of the first message. */
  delivery(): Delivery | undefined {
    const delivery = this.#delivery;
    this.#delivery = undefined;
    if (delivery) this.struck += 1;
    return delivery;
  }

  /** From here on everything works: what was not known can be settled. */
  disarm(): void {
    this.#armed = false;
  }

  choose(call: Call): Fault | undefined {
    const identity = tokenOf(call.input) ?? call.request;
    const known = this.#known.get(identity);
    const asked = known ?? { call, attempts: 0 };
    asked.attempts += 1;
    if (!known) this.#begin(asked, identity);
    if (!this.#armed || !this.#chosen.has(asked)) return undefined;
    const fault = this.#plan?.strike({ ...call, attempt: asked.attempts });
    if (fault) this.struck += 1;
    return fault;
  }

  #begin(asked: Asked, identity: unknown): void {
    this.#known.set(identity, asked);
    this.asked.push(asked);
    if (!this.#armed || this.#plan?.matches(asked.call) !== true) return;
    this.#matching += 1;
    if (this.#plan.nth === 'all' || this.#matching === this.#plan.nth) this.#chosen.add(asked);
  }
}

export type Cells = {
  /** Whatever is asked for within `work` belongs to the cell. */
  readonly within: <Result>(cell: Cell, work: () => Promise<Result>) => Promise<Result>;
  /** Whatever names this, whoever asks, belongs to the cell. */
  readonly name: (cell: Cell, id: string) => void;
  readonly forget: (cell: Cell) => void;
  readonly of: (call: Call) => Cell | undefined;
  readonly inText: (text: string) => Cell | undefined;
};

export const createCells = (): Cells => {
  const context = new AsyncLocalStorage<Cell>();
  const named = new Map<string, Cell>();
  return {
    within: (cell, work) => context.run(cell, work),
    name: (cell, id) => void named.set(id, cell),
    forget: (cell) => {
      for (const [id, of] of named) if (of === cell) named.delete(id);
    },
    of: (call) => {
      const around = context.getStore();
      if (around || named.size === 0) return around;
      const text = textOf(call.input);
      return named.entries().find(([id]) => text.includes(id))?.[1];
    },
    inText: (text) => named.entries().find(([id]) => text.includes(id))?.[1],
  };
};

/** Each fault against each use case: a run without faults tells which requests there are, and then each of them is struck in turn. */
import { seed } from '../effort.ts';
import { eventually } from '#test/support/eventually.ts';
import { randomFrom } from '#test/support/random.ts';
import type { Row } from './api-rows.ts';
import { Cell } from './cells.ts';
import type { Delivery } from './cells.ts';
import type { Stage } from './client.ts';
import type { Column } from './columns.ts';

export type Struck = {
  readonly row: string;
  readonly column: string;
  readonly cell: Cell;
  /** What the row said was wrong. */
  readonly fault?: unknown;
};

type Planned = { readonly row: Row; readonly column: string; readonly make: () => Cell };

/** Every way in which the column can strike what the row asks for. */
const plansFor = (stage: Stage, row: Row, column: Column, seen: Cell): Planned[] => {
  const found = seen.asked.map(({ call }) => call).filter(column.matches);
  const { others } = stage.world;
  const plan = (nth: number | 'all', variant: number): Planned => ({
    row,
    column: column.name,
    make: () =>
      new Cell(`${row.name} × ${column.name} #${nth}.${variant}`, {
        ...{ matches: column.matches, nth },
        strike: (call) => column.strike(call, variant, others),
      }),
  });
  if (column.everywhere) return found.length === 0 ? [] : [plan('all', 0)];
  return found.flatMap((call, index) =>
    Array.from({ length: column.variants?.(call) ?? 1 }, (_, variant) => plan(index + 1, variant)),
  );
};

/** In order, at most `width` at once. */
export const inParallel = async <Item>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<void> => {
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of waiting) await work(item);
    }),
  );
};

const tryCell = async (stage: Stage, { row, column }: Pick<Planned, 'row' | 'column'>, cell: Cell): Promise<Struck> => {
  try {
    await row.run(stage, cell);
    return { row: row.name, column, cell };
  } catch (fault) {
    return { row: row.name, column, cell, fault };
  } finally {
    stage.cells.forget(cell);
  }
};

/** Where the machine is busy a task may end before its message comes; the message is waited for. */
const untilDelivered =
  ({ run }: Row): Row['run'] =>
  async (stage, cell) => {
    await run(stage, cell);
    await eventually(() => cell.struck > 0 || undefined, 'its message was never delivered', 60_000);
  };

export type MatrixOptions = {
  readonly rows: readonly Row[];
  readonly columns: readonly Column[];
  readonly deliveries?: readonly Delivery[];
  readonly width: number;
  /** Of the ways in which a column can strike a row, at most so many, chosen by the seed. */
  readonly most: number;
};

/** The first answer without a fault must be right, or no other means anything. */
export const runMatrix = async (stage: Stage, options: MatrixOptions): Promise<readonly Struck[]> => {
  const { rows, columns, deliveries = [], width, most } = options;
  const planned: Planned[] = [];
  const struckWithout: Struck[] = [];
  await inParallel(rows, width, async (row) => {
    const seen = new Cell(`${row.name} without a fault`);
    const { fault } = await tryCell(stage, { row, column: 'none' }, seen);
    if (fault !== undefined) {
      struckWithout.push({ row: row.name, column: 'none', cell: seen, fault });
      return;
    }
    for (const column of columns) {
      const { below } = randomFrom(seed, `${row.name} ${column.name}`);
      const ways = plansFor(stage, row, column, seen);
      while (ways.length > most) ways.splice(below(ways.length), 1);
      planned.push(...ways);
    }
    for (const how of deliveries) {
      const delivered = { name: row.name, run: untilDelivered(row) };
      const make = () => new Cell(`${row.name} × delivered ${how}`, how);
      planned.push({ row: delivered, column: `delivered ${how}`, make });
    }
  });
  if (struckWithout.length > 0) return struckWithout;
  const struck: Struck[] = [];
  await inParallel(planned, width, async (plan) => {
    struck.push(await tryCell(stage, plan, plan.make()));
  });
  return struck;
};

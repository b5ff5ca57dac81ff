/** Lists: read page by page, shown in columns. */
import { z } from 'zod';
import { everyOption, wholeNumber } from './call.ts';
import { oneLine } from './neutral.ts';

export const listOptions = {
  ...everyOption,
  limit: wholeNumber.pipe(z.int().min(1, 'must be at least 1')).default(20),
  all: z.boolean().default(false),
};

export type Page<Item> = { readonly items: readonly Item[]; readonly next?: string | undefined };

/** What the service gives at once, at most. */
const pageMax = 100;

/** The first `max` items, and whether there are more. */
export const readItems = async <Item>(
  max: number,
  read: (query: URLSearchParams) => Promise<Page<Item>>,
): Promise<{ items: Item[]; more: boolean }> => {
  const items: Item[] = [];
  for (let cursor: string | undefined; ;) {
    const limit = String(Math.min(pageMax, max - items.length));
    const page = await read(new URLSearchParams({ limit, ...(cursor === undefined ? {} : { cursor }) }));
    items.push(...page.items);
    cursor = page.next;
    if (cursor === undefined || items.length >= max) return { items, more: cursor !== undefined };
  }
};

/** As wide as the widest cell; the last column has no end to align. */
export const columns = (rows: readonly (readonly string[])[]): string[] => {
  const cells = rows.map((row) => row.map(oneLine));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
};

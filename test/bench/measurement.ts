/** What one file of the benchmark offers, and how hard it tries. */
import { z } from 'zod';
import { byEffort } from '#test/proof/effort.ts';
import type { Figure } from './figure.ts';

/** Each is complete in itself: it starts what it needs and leaves nothing behind. */
export type Measurement = () => Promise<readonly Figure[]>;

/** Odd, so that the median is a round that happened. */
export const rounds = z.coerce
  .number()
  .pipe(z.int().positive())
  .default(byEffort({ ci: 3, full: 7 }))
  .parse(process.env['ROUNDS']);

export const progress = (text: string): void => void process.stderr.write(`  ${text}\n`);

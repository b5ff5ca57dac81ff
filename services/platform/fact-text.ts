/** Facts are stored as JSON text; a field the reader does not know stays, so that newer writers do not break older readers. */
import { z } from 'zod';
import { Envelope } from '#events/envelope.ts';
import type { StoredFact } from './store.ts';

/** How much a reader that names no limit gets at once. */
export const readLimit = 1_000;

const Stored = z.looseObject({ ...Envelope.shape, type: z.string().min(1), v: z.int().positive() });
const Commit = z.array(Stored);

export const factOf = (text: string): StoredFact => Stored.parse(JSON.parse(text));

export const factsOf = (text: string): readonly StoredFact[] => Commit.parse(JSON.parse(text));

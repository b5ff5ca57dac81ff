/** Text of any length inside a fact: short text stands in it, long text stands in the artifact store under its hash. */
import { z } from 'zod';

/** Longer text than this (bytes of UTF-8) is stored as an artifact before the append; the fact carries a preview. */
export const inlineBytesMax = 32_768;
export const previewChars = 1_024;

export const Text = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('inline'), text: z.string() }),
  z.object({
    kind: z.literal('stored'),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    bytes: z.int().positive(),
    type: z.string(),
    preview: z.string().max(previewChars),
  }),
]);
export type Text = z.infer<typeof Text>;

/** What can be shown without fetching anything. */
export const previewOf = (text: Text): string => (text.kind === 'inline' ? text.text : text.preview);

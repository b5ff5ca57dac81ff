/** Large payloads under their SHA-256, and text that is short or long without its reader caring. */
import { createHash } from 'node:crypto';
import { inlineBytesMax, previewChars } from '#events/text.ts';
import type { Text } from '#events/text.ts';

/** Content-addressed: putting the same bytes twice is one artifact, and a repeated put changes nothing. */
export type Artifacts = {
  readonly put: (sha256: string, bytes: Uint8Array, type: string) => Promise<void>;
  /** Throws when there is no such artifact. */
  readonly get: (sha256: string) => Promise<Uint8Array>;
};

const type = 'text/plain; charset=utf-8';

/** Stores long text first, so that a fact never names an artifact that is not there. */
export const keepText = async (text: string, artifacts: Pick<Artifacts, 'put'>): Promise<Text> => {
  const bytes = Buffer.from(text);
  // Facts and rows carry it as JSON, where a control character takes six bytes: a row of two such texts would be too large to store.
  const isShort = bytes.length <= inlineBytesMax && Buffer.byteLength(JSON.stringify(text)) <= inlineBytesMax + 2;
  if (isShort) return { kind: 'inline', text };
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await artifacts.put(sha256, bytes, type);
  return { kind: 'stored', sha256, bytes: bytes.length, type, preview: text.slice(0, previewChars).toWellFormed() };
};

export const readText = async (text: Text, artifacts: Pick<Artifacts, 'get'>): Promise<string> =>
  text.kind === 'inline' ? text.text : Buffer.from(await artifacts.get(text.sha256)).toString('utf8');

/** Reads the records that `kiro-cli chat --output-format stream-json` prints. Pure. */
import { z } from 'zod';
import { readUpdate } from './acp-updates.ts';
import { readMetadata, readV2Update } from './kiro.ts';
import type { TurnEvent } from './turn-record.ts';

const Line = z.object({ type: z.string(), data: z.unknown().optional() });
const ofSession = z.object({ sessionId: z.string() });
const sessionUpdate = z.object({ sessionId: z.string(), update: z.unknown().optional() });
const finished = z.object({
  sessionId: z.string().optional(),
  status: z.string(),
  stopReason: z.string().optional(),
  finalText: z.string().optional(),
  finalTextTruncated: z.boolean().optional(),
});
const runError = z.object({ message: z.string() });

export type RunRecord =
  | { readonly kind: 'events'; readonly sessionId: string | undefined; readonly events: readonly TurnEvent[] }
  | ({ readonly kind: 'finished' } & z.infer<typeof finished>)
  | { readonly kind: 'error'; readonly message: string };

/** Undefined for a line that is no record. */
export const readRecord = (line: string): RunRecord | undefined => {
  const parsed = parseLine(line);
  if (!parsed) return undefined;
  const { type, data } = parsed;
  if (type === 'runError')
    return { kind: 'error', message: runError.safeParse(data).data?.message ?? 'it does not say why' };
  if (type === 'runFinished') {
    const run = finished.safeParse(data).data;
    return run ? { kind: 'finished', ...run } : { kind: 'error', message: 'it ended in a way that cannot be read' };
  }
  const sessionId = ofSession.safeParse(data).data?.sessionId;
  return { kind: 'events', sessionId, events: readEvents(type, data) };
};

const readEvents = (type: string, data: unknown): readonly TurnEvent[] => {
  if (type === 'metadata') return readMetadata(data);
  const update = type === 'sessionUpdate' ? sessionUpdate.safeParse(data).data?.update : undefined;
  return update === undefined ? [] : (readV2Update(update) ?? readUpdate(update));
};

const parseLine = (line: string): z.infer<typeof Line> | undefined => {
  const text = line.trim();
  if (!text.startsWith('{')) return undefined;
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
};

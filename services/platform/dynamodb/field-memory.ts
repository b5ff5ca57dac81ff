/** Which fields the row of a stream has at a version, so that an append knows which of them to remove without reading the row first. */
import type { StreamId } from '#events/envelope.ts';
import type { Row } from '../store.ts';

const streamsMax = 10_000;

export type FieldMemory = {
  readonly remember: (stream: StreamId, version: number, row: Row) => void;
  /** Nothing when the version is not the one that was seen last. What is remembered stays true: a version has one fold. */
  readonly recall: (stream: StreamId, version: number) => readonly string[] | undefined;
};

export const fieldMemory = (): FieldMemory => {
  const seen = new Map<StreamId, { readonly version: number; readonly fields: readonly string[] }>();
  return {
    remember: (stream, version, row) => {
      seen.delete(stream);
      seen.set(stream, { version, fields: Object.keys(row) });
      const [oldest] = seen.keys();
      if (seen.size > streamsMax && oldest !== undefined) seen.delete(oldest);
    },
    recall: (stream, version) => {
      const last = seen.get(stream);
      return last?.version === version ? last.fields : undefined;
    },
  };
};

/** A fact as it goes out on the live channel: made into bytes once, however many read it. */
import type { StreamId } from '#events/envelope.ts';
import type { StoredFact } from '#platform/store.ts';

export type Frame = {
  readonly stream: StreamId;
  readonly version: number;
  readonly type: string;
  /** The message as JSON in UTF-8, without a line break. */
  readonly bytes: Buffer;
};

const opening = '{"type":"event",';

export const frameOf = (fact: StoredFact): Frame => {
  const { stream, version, type } = fact;
  const rest = JSON.stringify({ stream, version, event: fact });
  return { stream, version, type, bytes: Buffer.from(opening + rest.slice(1)) };
};

/** The same message with more fields in front, without making the fact into JSON again. */
export const extendFrame = (frame: Frame, fields: object): Buffer =>
  Buffer.concat([
    Buffer.from(`${opening}${JSON.stringify(fields).slice(1, -1)},`),
    frame.bytes.subarray(opening.length),
  ]);

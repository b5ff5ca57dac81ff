/** Bytes to lines, whatever a program writes: a line that never ends costs a fixed amount of memory and is reported. */

import { floodCollector } from './flood.ts';

/** What one chunk completed: its lines, how many were too long and are lost, and how many cannot be meant for us. */
export type LineBatch = { readonly lines: readonly string[]; readonly dropped: number; readonly noise: number };

export type LineOptions = {
  readonly bytesMax: number;
  /** What a line begins with that is worth reading. Others are counted as noise and not even decoded, which would cost most of a flood. */
  readonly opening?: '{' | undefined;
};

const newline = 0x0a;
/** Space, tab, carriage return, and the bytes of a byte order mark. */
const blanks: readonly number[] = [0x20, 0x09, 0x0d, 0xef, 0xbb, 0xbf];
const blockBytes = 65_536;
/**
 * Yields a batch per chunk, so that a flood costs one turn of the event loop per chunk and not per line. A line is decoded
 * as a whole: characters split between chunks stay whole. What follows the last newline is a line of its own.
 */
export async function* readLines(stream: AsyncIterable<Buffer>, options: LineOptions): AsyncGenerator<LineBatch> {
  const partial = partialLine(options);
  const passed = floodCollector();
  for await (const chunk of stream) {
    const batch = newBatch();
    let from = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      batch.add(partial.finish(chunk, from, end));
      from = end + 1;
    }
    partial.add(chunk.subarray(from));
    yield batch;
    passed(chunk.length);
  }
  const last = newBatch();
  if (partial.isBegun()) last.add(partial.finish(Buffer.alloc(0), 0, 0));
  yield last;
}

type Finished = { readonly line: string } | 'too-long' | 'noise';

const newBatch = () => {
  const lines: string[] = [];
  return {
    lines,
    dropped: 0,
    noise: 0,
    add(finished: Finished): void {
      if (finished === 'too-long') this.dropped += 1;
      else if (finished === 'noise') this.noise += 1;
      else lines.push(finished.line);
    },
  };
};

/** The line that is being read. Pieces are copied into blocks, so that a line that comes byte by byte costs no more than its length. */
const partialLine = ({ bytesMax, opening }: LineOptions) => {
  let blocks: Buffer[] = [];
  let bytes = 0;
  let isNoise: boolean | undefined;
  /** Undefined as long as the line has not begun. */
  const judge = (chunk: Buffer, from: number, end: number): boolean | undefined => {
    if (opening === undefined) return false;
    for (let at = from; at < end; at += 1) {
      const byte = chunk[at] ?? newline;
      if (!blanks.includes(byte)) return byte !== opening.charCodeAt(0);
    }
    return undefined;
  };
  const add = (piece: Buffer): void => {
    isNoise ??= judge(piece, 0, piece.length);
    if (isNoise === true || bytes + piece.length > bytesMax) blocks = [];
    else copyInto(blocks, bytes, piece);
    bytes += piece.length;
  };
  const whole = (): Finished => {
    if (isNoise === true) return 'noise';
    return bytes > bytesMax ? 'too-long' : { line: Buffer.concat(blocks, bytes).toString('utf8') };
  };
  return {
    add,
    isBegun: () => bytes > 0,
    /** The line ends with this piece of the chunk. */
    finish(chunk: Buffer, from: number, end: number): Finished {
      if (bytes === 0 && end - from <= bytesMax) {
        return judge(chunk, from, end) === true ? 'noise' : { line: chunk.toString('utf8', from, end) };
      }
      add(chunk.subarray(from, end));
      const finished = whole();
      blocks = [];
      bytes = 0;
      isNoise = undefined;
      return finished;
    },
  };
};

const copyInto = (blocks: Buffer[], bytes: number, piece: Buffer): void => {
  for (let copied = 0; copied < piece.length;) {
    const at = (bytes + copied) % blockBytes;
    if (at === 0) blocks.push(Buffer.allocUnsafe(blockBytes));
    copied += piece.copy(blocks.at(-1) ?? Buffer.alloc(0), at, copied);
  }
};

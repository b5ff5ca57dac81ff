/** Bytes to lines, whatever a program writes: a line that never ends costs a fixed amount of memory and is reported. */

/** What one chunk completed: its lines, and how many were too long and are lost. */
export type LineBatch = { readonly lines: readonly string[]; readonly dropped: number };

const newline = 0x0a;
const blockBytes = 65_536;

/**
 * Yields a batch per chunk, so that a flood costs one turn of the event loop per chunk and not per line. A line is decoded
 * as a whole: characters split between chunks stay whole. What follows the last newline is a line of its own.
 */
export async function* readLines(stream: AsyncIterable<Buffer>, lineBytesMax: number): AsyncGenerator<LineBatch> {
  const partial = partialLine(lineBytesMax);
  for await (const chunk of stream) {
    const lines: string[] = [];
    let dropped = 0;
    let from = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      const line = partial.finish(chunk.subarray(from, end));
      if (line === undefined) dropped += 1;
      else lines.push(line);
      from = end + 1;
    }
    partial.add(chunk.subarray(from));
    yield { lines, dropped };
  }
  const last = partial.finish(Buffer.alloc(0));
  if (last !== '') yield last === undefined ? { lines: [], dropped: 1 } : { lines: [last], dropped: 0 };
}

/** The line that is being read. Pieces are copied into blocks, so that a line that comes byte by byte costs no more than its length. */
const partialLine = (bytesMax: number) => {
  let blocks: Buffer[] = [];
  let bytes = 0;
  const add = (piece: Buffer): void => {
    if (bytes + piece.length > bytesMax) blocks = [];
    else copyInto(blocks, bytes, piece);
    bytes += piece.length;
  };
  return {
    add,
    /** The line that ends with `piece`, or undefined when it was too long. */
    finish(piece: Buffer): string | undefined {
      if (bytes === 0 && piece.length <= bytesMax) return piece.toString('utf8');
      add(piece);
      const line = bytes > bytesMax ? undefined : Buffer.concat(blocks, bytes).toString('utf8');
      blocks = [];
      bytes = 0;
      return line;
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

/** The beginning and the end of an endless output, in bounded memory: what failed is said first or last. */

export type HeadAndTail = {
  readonly add: (chunk: Buffer) => void;
  readonly text: () => string;
};

export const headAndTail = (bytesMax: number): HeadAndTail => {
  const head = Buffer.alloc(Math.floor(bytesMax / 2));
  const tail = Buffer.alloc(bytesMax - head.length);
  let headBytes = 0;
  let tailBytes = 0;
  return {
    add(chunk) {
      const taken = chunk.copy(head, headBytes);
      headBytes += taken;
      // Only the last `tail.length` bytes can matter, however large the chunk.
      const rest = chunk.subarray(Math.max(taken, chunk.length - tail.length));
      tailBytes += chunk.length - taken - rest.length;
      const at = tailBytes % tail.length;
      const copied = rest.copy(tail, at);
      rest.copy(tail, 0, copied);
      tailBytes += rest.length;
    },
    text() {
      const left = tailBytes - tail.length;
      if (left <= 0) return Buffer.concat([head.subarray(0, headBytes), tail.subarray(0, tailBytes)]).toString('utf8');
      const at = tailBytes % tail.length;
      const end = Buffer.concat([tail.subarray(at), tail.subarray(0, at)]);
      return `${head.toString('utf8')}\n[… ${left} bytes left out …]\n${end.toString('utf8')}`;
    },
  };
};

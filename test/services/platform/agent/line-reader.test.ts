import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { readLines } from '#platform/agent/line-reader.ts';

const read = async (chunks: readonly Buffer[], bytesMax: number) => {
  const lines: string[] = [];
  let dropped = 0;
  const stream = (async function* () {
    yield* chunks;
  })();
  for await (const batch of readLines(stream, { bytesMax })) {
    lines.push(...batch.lines);
    dropped += batch.dropped;
  }
  return { lines, dropped };
};

const cut = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const places = [0, ...cuts.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
};

test('however the bytes are cut into chunks, also inside a character, the lines are the same', async () => {
  const text = fc.array(fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', ' ')));
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat()), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      assert.deepEqual(await read(cut(bytes, cuts), 1_000_000), { lines, dropped: 0 });
    }),
  );
});

test('a line longer than the limit is dropped and counted, and its neighbours are kept', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat()), fc.integer({ min: 11, max: 200_000 }), async (cuts, length) => {
      const bytes = Buffer.from(`first\n${'x'.repeat(length)}\nlast`);
      assert.deepEqual(await read(cut(bytes, cuts), 10), { lines: ['first', 'last'], dropped: 1 });
    }),
    { numRuns: 30 },
  );
});

test('a line of exactly the limit is kept, across blocks as well', async () => {
  const line = 'é'.repeat(100_000);
  const bytes = Buffer.from(`${line}\n`);
  assert.deepEqual(await read(cut(bytes, [1, 70_001, 131_073]), 200_000), { lines: [line], dropped: 0 });
});

test('lines that begin otherwise than asked for are counted and not read, however they are cut', async () => {
  const blank = fc.constantFrom('', ' ', '\t ', '\ufeff', '\r');
  const line = fc
    .tuple(blank, fc.constantFrom('{"a":1}', '{', 'x', '\u0000{', 'log {', '['))
    .map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat()), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(''));
      const stream = Readable.from(cut(bytes, cuts));
      let noise = 0;
      const heard: string[] = [];
      for await (const batch of readLines(stream, { bytesMax: 100, opening: '{' })) {
        noise += batch.noise;
        heard.push(...batch.lines);
      }
      const wanted = lines.filter((each) => each.trim().startsWith('{'));
      assert.deepEqual({ heard, noise }, { heard: wanted, noise: lines.length - wanted.length });
    }),
  );
});

test('a line that begins otherwise is noise and not too long, whatever its length', async () => {
  const stream = Readable.from([Buffer.from('x'.repeat(80)), Buffer.from('y'.repeat(80)), Buffer.from('\n{}\n')]);
  const batches = await Array.fromAsync(readLines(stream, { bytesMax: 100, opening: '{' }));
  assert.deepEqual(
    batches.flatMap(({ lines }) => lines),
    ['{}'],
  );
  assert.deepEqual(
    batches.map(({ dropped, noise }) => [dropped, noise]),
    [
      [0, 0],
      [0, 0],
      [0, 1],
      [0, 0],
    ],
  );
});

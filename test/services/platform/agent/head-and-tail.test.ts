import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { headAndTail } from '#platform/agent/head-and-tail.ts';

const kept = (text: string, chunkBytes: number, bytesMax: number): string => {
  const output = headAndTail(bytesMax);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) output.add(bytes.subarray(at, at + chunkBytes));
  return output.text();
};

test('what fits is kept as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.integer({ min: 1, max: 50 }), (text, chunkBytes) => {
      fc.pre(Buffer.byteLength(text) <= 100);
      assert.equal(kept(text, chunkBytes, 100), text);
    }),
  );
});

test('of what does not fit, the beginning and the end are kept and the rest is counted', () => {
  fc.assert(
    fc.property(fc.integer({ min: 101, max: 2_000 }), fc.integer({ min: 1, max: 2_500 }), (length, chunkBytes) => {
      const text = Array.from({ length }, (_, index) => String.fromCharCode(97 + (index % 26))).join('');
      const expected = `${text.slice(0, 50)}\n[… ${length - 100} bytes left out …]\n${text.slice(-50)}`;
      assert.equal(kept(text, chunkBytes, 100), expected);
    }),
  );
});

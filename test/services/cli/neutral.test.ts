import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { neutralise, neutralJson, oneLine } from '../../../services/cli/neutral.ts';

/** Strings in which control characters are as frequent as letters. */
const hostile = fc.string({
  unit: fc
    .oneof(fc.integer({ min: 0, max: 0x9f }), fc.constantFrom(0x2028, 0x202e, 0x2066, 0x65, 0xe9))
    .map((code) => String.fromCharCode(code)),
});
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

void suite('text of others on a terminal', () => {
  test('holds nothing that a terminal obeys but line feeds and tabs', () =>
    fc.assert(fc.property(hostile, (text) => assert.doesNotMatch(neutralise(text), obeyed))));

  test('is as harmless in pieces as it is whole', () =>
    fc.assert(fc.property(hostile, hostile, (a, b) => assert.doesNotMatch(neutralise(a) + neutralise(b), obeyed))));

  test('is the same text when it was harmless', () => {
    for (const text of ['', 'naïve 日本語 👩‍💻\n\tindented', 'a\u200fb']) assert.equal(neutralise(text), text);
  });

  test('shows what it was, so that nothing is hidden', () => {
    assert.equal(neutralise('\u001b]0;title\u0007 \u009b2J \u202e'), '␛]0;title␇ \\u009b2J \\u202e');
    assert.equal(neutralise('one\r\ntwo\rthree'), 'one\ntwo␍three');
  });

  test('cannot forge a line where it is shown in one', () =>
    fc.assert(fc.property(hostile, (text) => assert.doesNotMatch(oneLine(text), /[\n\t]/))));
});

test('JSON for a terminal is the same value in harmless characters', () =>
  fc.assert(
    fc.property(hostile, fc.jsonValue(), (text, value) => {
      const json = neutralJson({ text, value });
      assert.doesNotMatch(json, obeyed);
      assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify({ text, value })));
    }),
  ));

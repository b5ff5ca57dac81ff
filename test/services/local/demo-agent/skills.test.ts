/** What the demo agent can do, and that it does the same thing every time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { calculate } from '../../../../services/local/demo-agent/arithmetic.ts';
import { answerTo } from '../../../../services/local/demo-agent/skills.ts';

/** Halves of characters among them. */
const codeUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));

const says = (prompt: string) => answerTo(prompt, []).text;

describe('the skills', () => {
  it('count words', () => {
    assert.equal(says('count words in the quick  brown\nfox'), '4 words');
    assert.equal(says('Count the words: one'), '1 word');
    assert.equal(says('count words'), '0 words');
  });

  it('reverse what a reader sees as characters', () => {
    assert.equal(says('reverse abc'), 'cba');
    assert.equal(says('reverse: e\u0301🏳️‍🌈x'), 'x🏳️‍🌈e\u0301');
  });

  it('calculate with precedence, parentheses and signs', () => {
    assert.equal(says('2 + 3 * 4'), '2 + 3 * 4 = 14');
    assert.equal(says('What is 2 * (3 + 4) / -7?'), '2 * (3 + 4) / -7 = -2');
    assert.equal(says('0.1 + 0.2 ='), '0.1 + 0.2 = 0.3');
    assert.equal(says('1 / 0'), '1 / 0 has no value that I can name.');
    assert.equal(says('(1 + 2'), '(1 + 2 has no value that I can name.');
  });

  it('number what was asked before', () => {
    const history = [
      { prompt: '1 + 1', answer: '2' },
      { prompt: 'a\nb', answer: '' },
    ];
    assert.equal(answerTo('What did I ask before?', history).text, '1. "1 + 1"\n2. "a"');
  });

  it('write several files from one prompt, whatever stands around them', () => {
    const { files } = answerTo('Please do this.\n\nwrite src/a.js:\nlet a;\nlet b;\nwrite b.txt: two\n', []);
    assert.deepEqual(files, [
      { path: 'src/a.js', text: 'let a;\nlet b;\n' },
      { path: 'b.txt', text: 'two\n' },
    ]);
  });

  it('wait, ten minutes at most', () => {
    assert.equal(answerTo('wait 1.5 s', []).waitMs, 1500);
    assert.equal(answerTo('wait 99999 s', []).waitMs, 600_000);
  });

  it('give back what they do not understand, cut to a length that can be read', () => {
    assert.match(says('Ünïcode, please'), /^You wrote "Ünïcode, please" \(2 words, digest [0-9a-f]{8}\)\./);
    assert.ok(says('x'.repeat(100_000)).length < 1000);
  });
});

describe('every answer', () => {
  it('depends on prompt and history alone, and is well-formed text', () => {
    fc.assert(
      fc.property(fc.string({ unit: codeUnit, maxLength: 500 }), (prompt) => {
        const answer = answerTo(prompt, []);
        assert.deepEqual(answerTo(prompt, []), answer);
        assert.ok(answer.text.isWellFormed());
      }),
    );
  });

  it('to a sum is the value of the sum', () => {
    const { sum } = fc.letrec<{ sum: readonly [string, number] }>((tie) => ({
      sum: fc.oneof(
        { depthSize: 'small' },
        fc.integer({ min: -99, max: 99 }).map((value) => [value < 0 ? `(${value})` : String(value), value] as const),
        fc.tuple(tie('sum'), fc.constantFrom('+', '-', '*'), tie('sum')).map(([[left, a], operator, [right, b]]) => {
          const value = operator === '+' ? a + b : operator === '-' ? a - b : a * b;
          return [`(${left} ${operator} ${right})`, value] as const;
        }),
      ),
    }));
    fc.assert(
      fc.property(sum, ([text, value]) => {
        fc.pre(Math.abs(value) < 1e12);
        // Without the sign of zero.
        assert.equal(calculate(text), value + 0);
      }),
    );
  });
});

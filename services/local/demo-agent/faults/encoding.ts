/** Text that is not quite text. Each is sent in the middle of the answer; the rest of the turn is honest. */
import { setTimeout } from 'node:timers/promises';
import type { Faults, Stage } from '../fault.ts';
import { textUpdate } from './output.ts';

const place = '%';

/** A text chunk as the bytes of one line, with `bytes` as they are in the place of its text. */
const lineWith = (sessionId: string, bytes: Uint8Array | string, end = '\n'): Buffer => {
  const [before = '', after = ''] = JSON.stringify(textUpdate(sessionId, place)).split(place);
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after + end)]);
};

const writes =
  (bytes: Uint8Array | string, end?: string) =>
  ({ wire, sessionId }: Stage) =>
    wire.write(lineWith(sessionId, bytes, end));

const splitMultiByte = async ({ wire, sessionId }: Stage): Promise<void> => {
  const line = lineWith(sessionId, 'a whole 🦊 fox');
  const middle = line.indexOf('🦊') + 2;
  await wire.write(line.subarray(0, middle));
  // Long enough that the client reads the first half by itself.
  await setTimeout(50);
  await wire.write(line.subarray(middle));
};

const writeNul = async (stage: Stage): Promise<void> => {
  await writes('escaped \\u0000 NUL ')(stage);
  await stage.wire.write(Buffer.from([0, 0, 10]));
  await writes(Buffer.from('bare \0 NUL '))(stage);
};

const writeCrLf = async (stage: Stage): Promise<void> => {
  await writes('one line ', '\r\n\r\n')(stage);
  await writes('and another ', '\r\n')(stage);
};

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

const writeMarkedLine = async (stage: Stage): Promise<void> => {
  await stage.wire.write(byteOrderMark);
  await writes('after the mark ')(stage);
};

/** CSI colours and cursor, OSC title, hyperlink and clipboard, DCS, a bell, and the eight-bit CSI. */
const escapes =
  '\u001b[31mred\u001b[0m \u001b[2J\u001b[H\u001b[?25l \u001b]0;title\u0007 \u001b]8;;https://example.invalid\u001b\\link\u001b]8;;\u001b\\ ' +
  '\u001b]52;c;aGVsbG8=\u0007 \u001bP1$r\u001b\\ \u0007 \u009b31m\r\u0008';

export const faults: Faults = {
  // A lone continuation, an overlong slash, a surrogate half, a byte that never occurs, and a character cut short.
  'invalid-utf8': {
    'mid-result': writes(Buffer.from([0x80, 0x20, 0xc0, 0xaf, 0x20, 0xed, 0xa0, 0x80, 0x20, 0xff, 0x20, 0xe2, 0x82])),
  },
  'lone-surrogates': { 'mid-result': writes('high \\ud83e low \\udd8a swapped \\udd8a\\ud83e ') },
  'nul-bytes': { 'mid-result': writeNul },
  'splits-multi-byte': { 'mid-result': splitMultiByte },
  crlf: { 'mid-result': writeCrLf },
  bom: { 'before-hello': (wire) => wire.write(byteOrderMark), 'mid-result': writeMarkedLine },
  'ansi-osc': { 'mid-result': ({ say }) => say(escapes) },
};

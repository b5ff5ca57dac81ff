/** Text of others on its way to a terminal: nothing in it may move the cursor, change colours or titles, or reorder what is read. */

/** C0 but tab and line feed, DEL, C1, the marks that reorder text (UAX #9), and Unicode's two separators of lines. */
const harmful = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;
const codeOf = (character: string): string => character.charCodeAt(0).toString(16).padStart(4, '0');

/** Control characters are shown as the pictures that Unicode has for them, everything else of the kind as its code. */
const shown = (character: string): string => {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '\u2421' : `\\u${codeOf(character)}`;
};

/** Character by character, so a sequence that is cut in two by a chunk is as harmless as a whole one. Line feeds and tabs stay. */
export const neutralise = (text: string): string => text.replaceAll('\r\n', '\n').replace(harmful, shown);

/** For places where a line feed would forge a line of ours. */
export const oneLine = (text: string): string => neutralise(text).replace(/\s+/g, ' ').trim();

/** The same value to whoever parses it, and no bytes that a terminal would obey. */
export const neutralJson = (value: unknown): string =>
  JSON.stringify(value).replace(harmful, (character) => `\\u${codeOf(character)}`);

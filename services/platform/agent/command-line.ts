/** A command as people write it, split into words without a shell: nothing in it is ever run, expanded or substituted. */

/** Quotes and backslashes work as in a shell. Undefined when a quote is not closed or there is no word at all. */
export const splitCommand = (text: string): readonly [string, ...string[]] | undefined => {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quote === '' && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
      word ??= '';
    } else if (char === '\\' && quote !== "'" && at + 1 < text.length) {
      at += 1;
      word = (word ?? '') + text.charAt(at);
    } else word = (word ?? '') + char;
  }
  if (quote !== '') return undefined;
  const [first, ...rest] = word === undefined ? words : [...words, word];
  return first === undefined ? undefined : [first, ...rest];
};

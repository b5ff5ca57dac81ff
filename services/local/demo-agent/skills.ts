/** What the demo agent can do: a pure function from a prompt and its history to an answer. */
import { createHash } from 'node:crypto';
import { calculate } from './arithmetic.ts';

export type Exchange = { readonly prompt: string; readonly answer: string };
export type FileToWrite = { readonly path: string; readonly text: string };

export type Answer = {
  /** What the agent makes of the prompt; streamed as a thought. */
  readonly thought: string;
  readonly text: string;
  /** What it is asked to write; without them it writes a note about the prompt. */
  readonly files?: readonly FileToWrite[];
  /** How long it lets the reader watch before it answers. */
  readonly waitMs?: number;
};

type Skill = (prompt: string, history: readonly Exchange[]) => Answer | undefined;

const waitMsMax = 600_000;
const quoteChars = 200;

export const firstLine = (text: string): string => text.trim().split('\n', 1)[0] ?? '';
export const wordCount = (text: string): number => text.split(/\s+/).filter((word) => word !== '').length;

const quote = (text: string, chars = quoteChars): string =>
  text.length > chars ? `"${text.slice(0, chars).toWellFormed()}…"` : `"${text}"`;
const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const countWords: Skill = (prompt) => {
  const [, text] = /^count (?:the )?words(?: in| of)?\b:?(.*)$/is.exec(prompt) ?? [];
  if (text === undefined) return undefined;
  return { thought: 'Words are what white space separates; I count them.', text: plural(wordCount(text), 'word') };
};

const reverse: Skill = (prompt) => {
  const [, text] = /^reverse\b:?\s*(.*)$/is.exec(prompt) ?? [];
  if (text === undefined) return undefined;
  // By what a reader sees as one character, so that accents and families stay together.
  const characters = Array.from(new Intl.Segmenter('en').segment(text), ({ segment }) => segment);
  return { thought: 'I read it from its end.', text: characters.reverse().join('') };
};

const arithmetic: Skill = (prompt) => {
  const [, sum] = /^(?:what is |what's |calculate |compute )?([-\d.+*/() ]{1,200}?)[=? ]*$/i.exec(prompt) ?? [];
  if (sum === undefined || !/\d *[-+*/]/.test(sum)) return undefined;
  const value = calculate(sum);
  const text = value === undefined ? `${sum.trim()} has no value that I can name.` : `${sum.trim()} = ${value}`;
  return { thought: 'That is a sum; I calculate it.', text };
};

const remember: Skill = (prompt, history) => {
  if (!/^what did i ask\b/i.test(prompt)) return undefined;
  const asked = history.map(({ prompt: earlier }, index) => `${index + 1}. ${quote(firstLine(earlier), 80)}`);
  const text = asked.length === 0 ? 'Nothing yet: this is where our conversation begins.' : asked.join('\n');
  return { thought: 'I look through our conversation.', text };
};

/** Each file ends where the next `write` line begins, so that one prompt can ask for several. */
const write: Skill = (prompt) => {
  const files = prompt
    .split(/^(?=write \S+:\s)/im)
    .map((part) => /^write (\S+):\s(.*)$/is.exec(part.trimEnd()))
    .flatMap((found) => (found?.[1] && found[2] !== undefined ? [{ path: found[1], text: `${found[2]}\n` }] : []));
  if (files.length === 0) return undefined;
  return { thought: `I am asked to write ${plural(files.length, 'file')}.`, text: '', files };
};

const wait: Skill = (prompt) => {
  const [, seconds] = /^wait (\d+(?:\.\d+)?) ?s\b/i.exec(prompt) ?? [];
  if (seconds === undefined) return undefined;
  const waitMs = Math.min(Number(seconds) * 1000, waitMsMax);
  return { thought: 'I let the time pass and say so.', text: `That was ${plural(waitMs / 1000, 'second')}.`, waitMs };
};

const openings = [
  'I would begin by reading the code that this touches.',
  'I would begin with a test that fails.',
  'I would begin by asking what has been tried already.',
  'I would begin with the smallest change that could work.',
];

const reflect = (prompt: string): Answer => {
  const digest = createHash('sha256').update(prompt).digest();
  const opening = openings[digest.readUInt8(0) % openings.length] ?? '';
  const text = [
    `You wrote ${quote(firstLine(prompt))} (${plural(wordCount(prompt), 'word')}, digest ${digest.toString('hex', 0, 4)}).`,
    `If I were a real agent: ${opening}`,
    'What I really can do: "count words in …", "reverse …", "2 * (3 + 4)", "write notes.txt: …", "wait 3 s", and "what did I ask before?".',
  ].join('\n\n');
  return { thought: 'I have no skill for this, so I give it back in order.', text };
};

const skills: readonly Skill[] = [countWords, reverse, arithmetic, remember, wait, write];

/** Depends on nothing but its arguments. */
export const answerTo = (prompt: string, history: readonly Exchange[]): Answer => {
  const trimmed = prompt.trim().toWellFormed();
  for (const skill of skills) {
    const answer = skill(trimmed, history);
    if (answer) return answer;
  }
  return reflect(trimmed);
};

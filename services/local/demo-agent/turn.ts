/** One honest turn: plan, thought, a file written with permission, and an answer in small chunks. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { TurnStep } from './fault.ts';
import { answerTo, firstLine } from './skills.ts';
import type { Answer, Exchange, FileToWrite } from './skills.ts';
import type { Fields } from './wire.ts';

export type Turn = {
  readonly prompt: string;
  readonly history: readonly Exchange[];
  readonly cwd: string;
  readonly paceMs: number;
  readonly update: (update: object) => void;
  readonly ask: (toolCall: Fields) => Promise<string | undefined>;
  /** Where a fault may take hold. */
  readonly reach: (step: TurnStep) => Promise<void>;
};

const greeting = 'Demo agent here: no model, no network, and the same words for the same prompt.\n\n';
/** However long the answer, the reader waits for at most this many chunks. */
const chunksMax = 300;
const progressMs = 200;

export const textContent = (text: string) => ({ type: 'text', text });

/** Resolves with all that was said; rejects with the signal's AbortError when the client cancels. */
export const runTurn = async (turn: Turn, signal: AbortSignal): Promise<string> => {
  const answer = answerTo(turn.prompt, turn.history);
  const files = answer.files ?? [note(turn.prompt, answer)];
  const steps = ['Read the prompt', `Write ${files.map(({ path }) => path).join(', ')}`, 'Answer'];
  const said: string[] = [];
  const say = (text: string) => stream(turn, 'agent_message_chunk', text, said, signal);

  await turn.reach('after-prompt');
  plan(turn, steps, 0);
  await say(greeting);
  await stream(turn, 'agent_thought_chunk', answer.thought, [], signal);
  plan(turn, steps, 1);
  const outcomes: string[] = [];
  for (const [index, file] of files.entries()) outcomes.push(await writeFile(turn, file, index + 1, signal));
  plan(turn, steps, 2);
  if (answer.waitMs !== undefined) await letPass(turn, answer.waitMs, said, signal);
  if (answer.text !== '') await say(`${answer.text}\n\n`);
  await turn.reach('mid-result');
  await say(outcomes.join('\n\n'));
  plan(turn, steps, 3);
  return said.join('');
};

/** Every word with the white space behind it. */
const wordsOf = (text: string): readonly string[] => text.split(/(?<=\s)(?=\S)/);

const stream = async (turn: Turn, kind: string, text: string, said: string[], signal: AbortSignal): Promise<void> => {
  const words = wordsOf(text);
  const size = Math.max(2, Math.ceil(words.length / chunksMax));
  for (let start = 0; start < words.length; start += size) {
    // A turn of the event loop even without a pace, so that a cancel is heard.
    await (turn.paceMs > 0 ? setTimeout(turn.paceMs, undefined, { signal }) : setImmediate(undefined, { signal }));
    emit(turn, kind, words.slice(start, start + size).join(''), said);
  }
};

const emit = (turn: Turn, sessionUpdate: string, text: string, said: string[]): void => {
  if (text === '') return;
  said.push(text);
  turn.update({ sessionUpdate, content: textContent(text) });
};

const letPass = async (turn: Turn, waitMs: number, said: string[], signal: AbortSignal): Promise<void> => {
  for (let passedMs = 0; passedMs < waitMs;) {
    const stepMs = Math.min(progressMs, waitMs - passedMs);
    await setTimeout(stepMs, undefined, { signal });
    passedMs += stepMs;
    emit(turn, 'agent_message_chunk', `${passedMs / 1000} s of ${waitMs / 1000} s\n`, said);
  }
  emit(turn, 'agent_message_chunk', '\n', said);
};

/** The plan is always sent whole; steps before `current` are done. */
const plan = (turn: Turn, steps: readonly string[], current: number): void => {
  const status = (index: number) => (index < current ? 'completed' : index === current ? 'in_progress' : 'pending');
  const entries = steps.map((content, index) => ({ content, priority: 'medium', status: status(index) }));
  turn.update({ sessionUpdate: 'plan', entries });
};

const note = (prompt: string, answer: Answer): FileToWrite => {
  const slug = firstLine(prompt)
    .toLowerCase()
    .match(/[a-z0-9]+/g)
    ?.join('-')
    .slice(0, 40)
    .replace(/-$/, '');
  const text = `# ${firstLine(prompt)}\n\nWritten by the demo agent of kiro-dispatch.\n\n${answer.text}\n`;
  return { path: `demo/${slug ?? 'prompt'}.md`, text };
};

/** Resolves with a sentence about what became of the file. Nothing is written before the client has permitted it. */
const writeFile = async (turn: Turn, { path, text }: FileToWrite, index: number, signal: AbortSignal) => {
  const target = isAbsolute(path) ? path : join(turn.cwd, path);
  const toolCallId = `call-${turn.history.length + 1}-${index}`;
  const diff = { type: 'diff', path: target, oldText: readOld(target), newText: text };
  const call = {
    ...{ toolCallId, title: `Write ${path}`, kind: 'edit', status: 'pending' },
    ...{ locations: [{ path: target }], rawInput: { path: target }, content: [diff] },
  };
  const end = (status: 'completed' | 'failed', said: string): string => {
    const content = [{ type: 'content', content: textContent(said) }];
    turn.update({ sessionUpdate: 'tool_call_update', toolCallId, status, content });
    return said;
  };
  turn.update({ sessionUpdate: 'tool_call', ...call });
  const chosen = await turn.ask(call);
  signal.throwIfAborted();
  if (chosen !== 'allow_once') return end('failed', `I was not permitted to write ${path}, so I did not.`);
  turn.update({ sessionUpdate: 'tool_call_update', toolCallId, status: 'in_progress' });
  await turn.reach('mid-tool-call');
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    return end('completed', `I wrote ${path}.`);
  } catch (fault) {
    return end('failed', `I could not write ${path}: ${fault instanceof Error ? fault.message : String(fault)}`);
  }
};

const readOld = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};

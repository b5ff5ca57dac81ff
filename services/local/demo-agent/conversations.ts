/** What was said stays in a file under HOME, so that `session/load` goes on with it after a restart. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Exchange } from './skills.ts';
import { fieldsOf, listOf, stringOf } from './wire.ts';

const folder = () => join(homedir(), '.kiro-dispatch-demo');
const isId = (id: string) => /^demo-[0-9a-f-]{36}$/.test(id);

/** A home that cannot be written to costs the memory, not the turn. */
export const keepConversation = (id: string, history: readonly Exchange[]): void => {
  try {
    mkdirSync(folder(), { recursive: true, mode: 0o700 });
    const path = join(folder(), `${id}.json`);
    writeFileSync(`${path}.new`, JSON.stringify(history));
    renameSync(`${path}.new`, path);
  } catch (fault) {
    process.stderr.write(`the conversation will not be remembered: ${String(fault)}\n`);
  }
};

/** Undefined when there is no such conversation. */
export const readConversation = (id: string): Exchange[] | undefined => {
  if (!isId(id)) return undefined;
  try {
    const stored: unknown = JSON.parse(readFileSync(join(folder(), `${id}.json`), 'utf8'));
    return listOf(stored)
      .map(fieldsOf)
      .map(({ prompt, answer }) => ({ prompt: stringOf(prompt), answer: stringOf(answer) }));
  } catch {
    return undefined;
  }
};

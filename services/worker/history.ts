/** What was said before, for an agent that has no memory of it: the process is gone, or cannot load conversations. */
import type { TaskId } from '#events/ids.ts';
import { Task } from '#events/task.ts';
import { readText } from '#platform/artifacts.ts';
import type { Artifacts } from '#platform/artifacts.ts';
import type { ReadRow } from '#platform/store.ts';

export type Exchange = { readonly prompt: string; readonly result: string };

/** More than this would take the place of the work itself in the agent's context; the oldest exchanges go first. */
export const historyCharsMax = 60_000;

/** The finished exchanges of a conversation, oldest first. */
export const readHistory = async (
  taskIds: readonly TaskId[],
  readRow: ReadRow,
  artifacts: Pick<Artifacts, 'get'>,
): Promise<readonly Exchange[]> => {
  const exchanges: Exchange[] = [];
  let chars = 0;
  for (const taskId of taskIds.toReversed()) {
    const stored = await readRow(`task/${taskId}`);
    const parsed = Task.safeParse(stored?.row);
    if (!parsed.success || parsed.data.result === undefined) continue;
    const { prompt, result } = parsed.data;
    const exchange = { prompt: await readText(prompt, artifacts), result: await readText(result, artifacts) };
    chars += exchange.prompt.length + exchange.result.length;
    if (chars > historyCharsMax) break;
    exchanges.unshift(exchange);
  }
  return exchanges;
};

/** The prompt as it was asked, after the conversation so far; without history, the prompt itself. */
export const withHistory = (prompt: string, history: readonly Exchange[]): string => {
  if (history.length === 0) return prompt;
  const told = history.map(({ prompt: asked, result }) => `User:\n${asked}\n\nYou:\n${result}`).join('\n\n');
  return `This conversation goes on in a new process. What was said so far:\n\n${told}\n\nThe user now says:\n${prompt}`;
};

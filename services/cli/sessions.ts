/** `sessions`: the conversations and what their agents do. */
import { z } from 'zod';
import { SessionPage } from './answers.ts';
import type { Call } from './call.ts';
import { exitCodes } from './exit.ts';
import { columns, listOptions, readItems } from './table.ts';

export const sessionsOptions = z.object(listOptions);

export const listSessions = async ({ ask, screen, options }: Call<z.infer<typeof sessionsOptions>>) => {
  const { items, more } = await readItems(options.all ? Infinity : options.limit, async (query) => {
    const { sessions, next } = await ask('GET', `api/sessions?${query.toString()}`, SessionPage);
    return { items: sessions, next };
  });
  if (options.json) screen.json({ sessions: items, more });
  else {
    const rows = items.map(({ sessionId, status, agent, tasksProcessed, contextPercent, lastActivity }) => [
      ...[sessionId, status, `${agent.name} ${agent.version}`, `${tasksProcessed} tasks`],
      contextPercent === undefined ? '' : `context ${Math.round(contextPercent)} %`,
      lastActivity,
    ]);
    columns(rows).forEach((line) => screen.line(line));
    if (more) screen.note('there are more; --all shows them', 'dim');
  }
  return exitCodes.done;
};

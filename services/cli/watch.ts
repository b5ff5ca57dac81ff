/** Following a task to its outcome: `watch`, and what `--wait` and `--follow` add to other commands. */
import { z } from 'zod';
import { TaskView } from './answers.ts';
import { everyOption } from './call.ts';
import type { Call } from './call.ts';
import { exitCodes, outcomeCode } from './exit.ts';
import type { ExitCode } from './exit.ts';
import { follow } from './live.ts';
import type { Step } from './live.ts';
import type { Screen } from './screen.ts';
import { createStory } from './story.ts';

export const watchOptions = z.object(everyOption);

/** `told`: in words for people; `states` leaves out what the agent says and does. `facts`: as JSON. `silent`: only the connection's troubles. */
export type Manner = 'told' | 'states' | 'facts' | 'silent';

/** `task` is missing when Ctrl-C ended it first. */
export type Watched = { readonly code: ExitCode; readonly task?: TaskView };

export const taskPath = (taskId: string): string => `api/task/${encodeURIComponent(taskId)}`;

/** The result goes to stdout, unless the words that streamed there end with it. */
const tellOutcome = (task: TaskView, words: string, screen: Screen): void => {
  const { status, result = '', error, usage } = task;
  const used = usage.credits > 0 ? `, ${usage.credits} credits used` : '';
  if (status === 'completed') {
    if (!words.trimEnd().endsWith(result.trimEnd())) screen.line(result);
    screen.note(`completed${used}`, 'green');
  } else if (status === 'failed' && error) {
    screen.note(`failed (${error.class}): ${error.message}${used}`, 'red');
    if (error.remedy !== '') screen.note(error.remedy);
  } else screen.note(`${status}${used}`, 'yellow');
};

/** Returns with the outcome. Until then nothing but Ctrl-C or a refusal ends it: the service may be away for as long as it likes. */
export const watchTask = async (call: Call<unknown>, taskId: string, manner: Manner): Promise<Watched> => {
  const { screen, settings, live, stop, ask } = call;
  const story = createStory(screen, manner === 'told', call.clock);
  const isTold = manner === 'told' || manner === 'states';
  const tell = (said: Step): void => {
    switch (said.step) {
      case 'fact':
        if (manner === 'facts') screen.json(said.fact);
        if (isTold) story.tell(said.fact);
        break;
      case 'lost':
        screen.note(`connection lost (${said.reason}), trying again until it is back`, 'yellow');
        if (isTold) story.lost();
        break;
      case 'back':
        screen.note(`reconnected, replayed ${said.replayed} event${said.replayed === 1 ? '' : 's'}`, 'yellow');
        if (isTold) story.back();
        break;
    }
  };
  for await (const said of follow(taskId, 0, settings, live, stop)) tell(said);
  screen.status(undefined);
  if (stop.aborted) {
    screen.note(`no longer following; task ${taskId} goes on. To stop it: kiro-dispatch cancel ${taskId}`);
    return { code: exitCodes.interrupted };
  }
  const task = await ask('GET', taskPath(taskId), TaskView, { patienceMs: Infinity });
  const code = outcomeCode(task.status, task.error);
  if (code === undefined) throw new Error(`task ${taskId} had an outcome and is ${task.status}`);
  if (isTold) tellOutcome(task, story.words(), screen);
  return { code, task };
};

/** Asks for the task first: that it exists and that the service can be reached is known before the wait begins. */
export const watch = async (call: Call<z.infer<typeof watchOptions>>): Promise<ExitCode> => {
  const { taskId } = await call.ask('GET', taskPath(call.subject), TaskView);
  const { code } = await watchTask(call, taskId, call.options.json ? 'facts' : 'told');
  return code;
};

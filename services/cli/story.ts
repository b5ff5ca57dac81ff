/** A task told as it happens: facts become lines, the agent's words stream, a live line says what goes on now. */
import { parseTaskEvent } from '#events/task.ts';
import type { StoredTaskEvent } from '#events/task.ts';
import type { TaskUpdate } from '#events/task-update.ts';
import type { Fact } from './answers.ts';
import type { Colour, Screen } from './screen.ts';

/** What a fact or a part of one is to be told as. */
type Telling = {
  readonly note?: string;
  readonly colour?: Colour;
  readonly words?: string;
  /** What goes on from here. */
  readonly doing?: string;
};

const tellingOfUpdate = (update: TaskUpdate): Telling => {
  switch (update.kind) {
    case 'text':
      return { words: update.text, doing: 'working' };
    case 'thought':
      return { doing: 'thinking' };
    case 'tool': {
      const { tool, title, status } = update;
      if (status !== 'completed' && status !== 'failed') return { doing: title };
      return { note: `${tool}: ${title} (${status})`, colour: 'dim', doing: 'working' };
    }
    case 'plan': {
      const done = update.entries.filter(({ status }) => status === 'completed').length;
      const current = update.entries.find(({ status }) => status === 'in_progress');
      const now = current ? `, now ${current.content}` : '';
      return { note: `plan: ${done} of ${update.entries.length} done${now}`, colour: 'dim' };
    }
    case 'permission':
      return { note: `${update.decision}: ${update.title} (${update.reason})`, colour: 'dim' };
    case 'usage':
      return {};
    case 'notice':
      return { note: update.text, colour: 'dim' };
  }
};

const tellingOf = (fact: StoredTaskEvent): Telling => {
  switch (fact.type) {
    case 'TaskSubmitted':
      return { note: `pending, priority ${fact.priority}`, doing: 'pending' };
    case 'TaskStarted':
      return { note: `processing, attempt ${fact.attempt}`, doing: 'processing' };
    case 'TaskProgressed':
      return {};
    case 'TaskCancelRequested':
      return { note: `asked to stop${fact.reason ? `: ${fact.reason}` : ''}`, colour: 'yellow', doing: 'stopping' };
    case 'TaskInterrupted':
      return { note: `attempt ${fact.attempt} ended (${fact.cause}): ${fact.error.message}`, colour: 'yellow' };
    case 'TaskRetried':
      return { note: 'pending again', doing: 'pending' };
    case 'TaskCompleted':
    case 'TaskFailed':
    case 'TaskCancelled':
      return {};
  }
};

/** A fact of a newer service than this is not known here; it is shown by its name. */
const known = (fact: Fact): StoredTaskEvent | undefined => {
  try {
    return parseTaskEvent(fact);
  } catch {
    return undefined;
  }
};

export type Story = {
  readonly tell: (fact: Fact) => void;
  /** What was known last is not what is: the live line says so until the connection is back. */
  readonly lost: () => void;
  readonly back: () => void;
  /** What the agent said in the attempt that counts, as far as it was printed. */
  readonly words: () => string;
};

/** With `detail`, also what the agent says and does; without, only how the task stands. */
export const createStory = (screen: Screen, detail: boolean, clock: () => number): Story => {
  let words = '';
  let doing = 'connecting';
  let since = clock();
  const elapsed = (): string => {
    const seconds = Math.max(0, Math.round((clock() - since) / 1_000));
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  };
  const show = (): void => screen.status(() => `${doing} · ${elapsed()}`);

  const say = (telling: Telling): void => {
    if (telling.words !== undefined) screen.words(telling.words);
    if (telling.note !== undefined) screen.note(telling.note, telling.colour);
    words += telling.words ?? '';
    doing = telling.doing ?? doing;
    show();
  };

  return {
    tell: (fact) => {
      const told = known(fact);
      if (!told) {
        say({ note: fact.type, colour: 'dim' });
        return;
      }
      if (told.type === 'TaskSubmitted' || told.type === 'TaskStarted') {
        since = Date.parse(told.at);
        words = '';
      }
      say(tellingOf(told));
      if (detail && told.type === 'TaskProgressed') told.updates.map(tellingOfUpdate).forEach(say);
    },
    lost: () => screen.status(() => `not connected; last known: ${doing}`),
    back: show,
    words: () => words,
  };
};

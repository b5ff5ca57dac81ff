/** Turns the agent's many small updates into few reports: the first at once, the first words of the answer at once, at most four a second. */
import type { TaskUpdate } from '#events/task-update.ts';

/** Four `TaskProgressed` a second: a reader sees words flow, the store sees little. */
export const reportEveryMs = 250;
/** What one report may carry; an agent that says more than this in a quarter of a second is abridged in the live feed. */
export const reportCharsMax = 16_384;
/** One word of an update's own text: a tool's detail, a plan's entry. */
const detailCharsMax = 4_096;

const clip = (text: string, charsMax: number): string =>
  text.length <= charsMax ? text.toWellFormed() : `${text.slice(0, charsMax).toWellFormed()}…`;

const shorten = (update: TaskUpdate): TaskUpdate => {
  switch (update.kind) {
    case 'text':
    case 'thought':
    case 'usage':
      return update;
    case 'notice':
      return { ...update, text: clip(update.text, detailCharsMax) };
    case 'permission':
      return { ...update, title: clip(update.title, detailCharsMax) };
    case 'plan':
      return { ...update, entries: update.entries.slice(0, 50).map((e) => ({ ...e, content: clip(e.content, 200) })) };
    case 'tool': {
      const { detail, paths, ...rest } = update;
      return {
        ...rest,
        title: clip(rest.title, 1_000),
        ...(paths === undefined ? {} : { paths: paths.slice(0, 20).map((path) => clip(path, 500)) }),
        ...(detail === undefined ? {} : { detail: clip(detail, detailCharsMax) }),
      };
    }
  }
};

/** Only words and thoughts are joined; everything else is a thing of its own. */
export const joined = (last: TaskUpdate | undefined, next: TaskUpdate): TaskUpdate | undefined => {
  if (last?.kind === 'text' && next.kind === 'text') return { kind: 'text', text: last.text + next.text };
  if (last?.kind === 'thought' && next.kind === 'thought') return { kind: 'thought', text: last.text + next.text };
  return undefined;
};

const weightOf = (update: TaskUpdate): number =>
  update.kind === 'text' || update.kind === 'thought' ? update.text.length : JSON.stringify(update).length;

/** Collects updates until they are taken; what no longer fits is counted, said, and left out. Usage is never left out. */
export const updateBuffer = () => {
  let updates: TaskUpdate[] = [];
  let weight = 0;
  let leftOut = 0;
  return {
    add: (update: TaskUpdate): void => {
      const next = shorten(update);
      const nextWeight = weightOf(next);
      if (weight + nextWeight > reportCharsMax && next.kind !== 'usage') {
        leftOut += nextWeight;
        return;
      }
      const merged = joined(updates.at(-1), next);
      if (merged) updates[updates.length - 1] = merged;
      else updates.push(next);
      weight += nextWeight;
    },
    take: (): TaskUpdate[] => {
      const taken = updates;
      if (leftOut > 0) taken.push({ kind: 'notice', text: `${leftOut} characters left out of the live feed` });
      updates = [];
      weight = 0;
      leftOut = 0;
      return taken.map((u) => (u.kind === 'text' || u.kind === 'thought' ? { ...u, text: u.text.toWellFormed() } : u));
    },
    isEmpty: (): boolean => updates.length === 0 && leftOut === 0,
  };
};

export type Reporter = {
  readonly add: (update: TaskUpdate) => void;
  /** Reports what is left and resolves when everything reported is stored. */
  readonly finish: () => Promise<void>;
};

/** `report` stores one report; reports follow one another, so a slow store makes them larger, not more. */
export const progressReporter = (report: (updates: TaskUpdate[]) => Promise<void>): Reporter => {
  const buffer = updateBuffer();
  let running: Promise<void> | undefined;
  let pause: PromiseWithResolvers<void> | undefined;
  let finishing = false;
  let spoken = false;
  /** Somebody waits for the first words of the answer: they go without the pause after what came before them. */
  let urgent = false;
  const isUrgent = (): boolean => urgent;
  /** A pause that was cut short is made up for by the next. */
  let owed = false;

  const rest = async (): Promise<void> => {
    pause = Promise.withResolvers();
    const timer = setTimeout(pause.resolve, owed ? 2 * reportEveryMs : reportEveryMs);
    await pause.promise;
    clearTimeout(timer);
  };
  const run = async (): Promise<void> => {
    while (!buffer.isEmpty()) {
      urgent = false;
      await report(buffer.take());
      if (finishing) continue;
      if (!isUrgent()) await rest();
      owed = isUrgent();
    }
    running = undefined;
  };
  return {
    add: (update) => {
      buffer.add(update);
      if (update.kind === 'text' && !spoken) {
        spoken = true;
        urgent = true;
        pause?.resolve();
      }
      running ??= run();
    },
    finish: async () => {
      finishing = true;
      pause?.resolve();
      await running;
      if (!buffer.isEmpty()) await run();
    },
  };
};

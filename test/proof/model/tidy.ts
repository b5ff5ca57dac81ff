/** Makes states equal that differ in nothing that can matter: leaves out what is past, and names alike what is alike. */
import { workerId } from '#test/support/ids.ts';
import type { State, Worker, World } from './state.ts';
import { rowOf } from './state.ts';

/** Somebody may still ask who this was: a row that names it, or a write of its that may yet happen. */
const isNamed = (state: State, number: number): boolean =>
  state.late.some(({ by }) => by === number) ||
  state.tasks.some((_, index) => {
    const row = rowOf(state, index);
    return row?.status === 'processing' && row.workerId === workerId(number);
  });

/** The smallest number that nothing and nobody goes by. */
export const freeNumber = (state: State): number => {
  let number = 1;
  while (state.workers.some((worker) => worker.number === number) || isNamed(state, number)) number += 1;
  return number;
};

/** What leads to no queue needs no announcement. */
const tidyLog = (state: State): State => {
  const { head, unread } = state.log;
  const next = unread.findIndex(({ announces }) => announces !== undefined);
  if (next === 0 || unread.length === 0) return state;
  return { ...state, log: { head, unread: next === -1 ? [] : unread.slice(next) } };
};

/** A place in the log that is taken stays taken. */
const tidyLate = (state: State): State => {
  const late = state.late.filter(({ position }) => position > state.log.head);
  return late.length === state.late.length ? state : { ...state, late };
};

const tidyNumbers = (state: State): State => {
  const isForgotten = ({ at, number }: Worker): boolean => at === 'free' && number > 0 && !isNamed(state, number);
  const { workers } = state;
  const inOrder = workers.every(({ number }, index) => number <= (workers[index - 1]?.number ?? number));
  if (inOrder && !workers.some(isForgotten)) return state;
  const renamed = workers.map((worker) => (isForgotten(worker) ? { ...worker, number: 0 } : worker));
  return { ...state, workers: renamed.sort((a, b) => b.number - a.number) };
};

export const tidy = (state: State, { rules }: World): State =>
  tidyNumbers(tidyLog(rules.checksPosition ? tidyLate(state) : state));

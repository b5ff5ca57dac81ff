/** The phases of a build: their order, how one runs again, and when the next may begin. */
import { z } from 'zod';
import { accept, reject } from './decider.ts';
import type { Decision } from './decider.ts';
import { factSchema } from './envelope.ts';
import { ErrorClass, TaskError } from './error.ts';

/** In the order they run. */
export const BuildPhase = z.enum([
  'checkout',
  'validate',
  'steering',
  'kiro',
  'tests',
  'coverage',
  'pull-request',
  'artifacts',
  'cleanup',
]);
export type BuildPhase = z.infer<typeof BuildPhase>;

/** Beside what can befall a task: red tests, thin coverage, a weakened gate, a branch that somebody else pushed, GitHub or AWS not answering. */
export const BuildError = TaskError.extend({
  class: z.enum([
    ...ErrorClass.options,
    'tests-failed',
    'coverage-too-low',
    'gate-weakened',
    'branch-moved',
    'service-unavailable',
  ]),
});
export type BuildError = z.infer<typeof BuildError>;

const attempt = z.int().positive();
const detail = z.string().optional();

const started = factSchema('PhaseStarted', 1, 'A phase began, for the first time or again.', {
  phase: BuildPhase,
  attempt,
});
const succeeded = factSchema('PhaseSucceeded', 1, 'A phase did what it is for.', {
  phase: BuildPhase,
  durationMs: z.int().nonnegative(),
  detail,
});
const failed = factSchema('PhaseFailed', 1, 'A phase did not succeed; `willRetry` says whether it runs again.', {
  phase: BuildPhase,
  error: BuildError,
  willRetry: z.boolean(),
});
export const phaseFacts = [started, succeeded, failed] as const;
export type PhaseEvent = z.infer<(typeof phaseFacts)[number]>;

/** The last run of one phase. A phase that ran when its build ended is `stopped`. */
export const PhaseRun = z.object({
  phase: BuildPhase,
  status: z.enum(['running', 'succeeded', 'failed', 'stopped']),
  attempt,
  startedAt: z.int(),
  finishedAt: z.int().optional(),
  detail,
  error: BuildError.optional(),
  /** Only of a phase that failed. */
  willRetry: z.boolean().optional(),
});
export type PhaseRun = z.infer<typeof PhaseRun>;

/** The phase that runs, if one does, ended like this. */
export const endPhase = (phases: readonly PhaseRun[], end: Partial<PhaseRun>): PhaseRun[] =>
  phases.map((run) => (run.status === 'running' ? { ...run, ...end } : run));

/** In the order of their last start. */
export const evolvePhases = (phases: readonly PhaseRun[], fact: PhaseEvent, at: number): PhaseRun[] => {
  switch (fact.type) {
    case 'PhaseStarted': {
      const { phase, attempt } = fact;
      return [...phases.filter((run) => run.phase !== phase), { phase, status: 'running', attempt, startedAt: at }];
    }
    case 'PhaseSucceeded': {
      const detail = fact.detail === undefined ? {} : { detail: fact.detail };
      return endPhase(phases, { status: 'succeeded', finishedAt: at, ...detail });
    }
    case 'PhaseFailed':
      return endPhase(phases, { status: 'failed', finishedAt: at, error: fact.error, willRetry: fact.willRetry });
  }
};

/** These tell people what happened and tidy up, so they run whatever happened before them. */
const closing: readonly BuildPhase[] = ['pull-request', 'artifacts', 'cleanup'];

/** Only forward, and past a failure only to the closing phases; a phase that failed runs again where that was said. */
const mayStart = (phase: BuildPhase, last: PhaseRun | undefined): boolean => {
  if (last?.status === 'running') return false;
  const order = BuildPhase.options;
  const step = order.indexOf(phase) - (last === undefined ? -1 : order.indexOf(last.phase));
  if (step === 0) return last?.willRetry === true;
  if (closing.includes(phase)) return step > 0;
  return step === 1 && (last === undefined || last.status === 'succeeded');
};

/** Cleanup is left out: what it could not tidy does not undo the work. */
export const allSucceeded = (phases: readonly PhaseRun[]): boolean =>
  BuildPhase.options
    .filter((phase) => phase !== 'cleanup')
    .every((phase) => phases.some((run) => run.phase === phase && run.status === 'succeeded'));

export type PhaseCommand =
  | { type: 'start-phase'; phase: BuildPhase }
  | { type: 'succeed-phase'; phase: BuildPhase; durationMs: number; detail?: string }
  | { type: 'fail-phase'; phase: BuildPhase; error: BuildError; willRetry: boolean };
export type PhaseRefusal = 'phase-out-of-order' | 'phase-not-running';

export const decidePhase = (phases: readonly PhaseRun[], command: PhaseCommand): Decision<PhaseEvent, PhaseRefusal> => {
  const { phase } = command;
  const last = phases.at(-1);
  const current = last?.phase === phase ? last : undefined;
  switch (command.type) {
    case 'start-phase':
      if (current?.status === 'running') return accept();
      if (!mayStart(phase, last)) return reject('phase-out-of-order');
      return accept({ type: 'PhaseStarted', v: 1, phase, attempt: (current?.attempt ?? 0) + 1 });
    case 'succeed-phase': {
      if (current?.status === 'succeeded') return accept();
      if (current?.status !== 'running') return reject('phase-not-running');
      const detail = command.detail === undefined ? {} : { detail: command.detail };
      return accept({ type: 'PhaseSucceeded', v: 1, phase, durationMs: command.durationMs, ...detail });
    }
    case 'fail-phase': {
      if (current?.status === 'failed') return accept();
      if (current?.status !== 'running') return reject('phase-not-running');
      const { error, willRetry } = command;
      return accept({ type: 'PhaseFailed', v: 1, phase, error, willRetry });
    }
  }
};

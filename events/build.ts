/** A build: one work item brought from its branch to an updated pull request, with exactly one outcome. Facts, fold, decisions. */
import { z } from 'zod';
import { allSucceeded, BuildError, BuildPhase, decidePhase, endPhase } from './build-phase.ts';
import { evolvePhases, phaseFacts, PhaseRun } from './build-phase.ts';
import type { PhaseCommand, PhaseRefusal } from './build-phase.ts';
import { decideReport, evolveReports, isGreen, Percent, reaches, reportFacts, Reports } from './build-report.ts';
import type { ReportCommand } from './build-report.ts';
import { accept, reject } from './decider.ts';
import type { Absent, Decider, Decision } from './decider.ts';
import { factSchema, recordedParser, rootOf } from './envelope.ts';
import type { Recorded } from './envelope.ts';
import { BuildId, WorkItemId } from './ids.ts';
import { LockKey, LockToken } from './lock.ts';

export const Environment = z.enum(['test', 'staging', 'production']);
export type Environment = z.infer<typeof Environment>;

const request = z.object({
  workItemId: WorkItemId,
  /** `owner/name`. */
  repository: z.string().regex(/^[^/\s]+\/[^/\s]+$/),
  branch: z.string().min(1),
  headSha: z.string().regex(/^[0-9a-f]{40}$/),
  pullRequest: z.int().positive(),
  specPath: z.string().min(1),
  environment: Environment,
  coverageThreshold: Percent,
  /** What the build writes under: every append of its runner checks these locks at these tokens. */
  locks: z.array(z.object({ lockKey: LockKey, token: LockToken })),
  /** Which build of its work item this is, from 1. */
  attempt: z.int().positive(),
});
/** `runner` is the process that runs the phases inside the CodeBuild build. */
const run = z.object({ codeBuildId: z.string().min(1), runner: z.string().min(1) });

export const StopReason = z.enum(['lost-lock', 'cancelled', 'timed-out', 'stopped-outside', 'fault']);
export type StopReason = z.infer<typeof StopReason>;

const requested = factSchema(
  'BuildRequested',
  1,
  'The work item is eligible and its locks are held: a build shall run.',
  {
    ...request.shape,
  },
);
const started = factSchema('BuildStarted', 1, 'The runner inside CodeBuild took the build up.', run.shape);
const succeeded = factSchema(
  'BuildSucceeded',
  1,
  'Outcome: every phase succeeded, tests and coverage reach the bar.',
  {},
);
const failed = factSchema('BuildFailed', 1, 'Outcome: the build failed, for the reason in `error`.', {
  error: BuildError,
});
const stopped = factSchema('BuildStopped', 1, 'Outcome: the build was ended before it could finish.', {
  reason: StopReason,
});

export const BuildEvent = z.discriminatedUnion('type', [
  requested,
  started,
  ...phaseFacts,
  ...reportFacts,
  succeeded,
  failed,
  stopped,
]);
export type BuildEvent = z.infer<typeof BuildEvent>;
export type StoredBuildEvent = Recorded<BuildEvent>;
export const parseBuildEvent = recordedParser(BuildEvent);

export const BuildStatus = z.enum(['requested', 'running', 'succeeded', 'failed', 'stopped']);
export type BuildStatus = z.infer<typeof BuildStatus>;

/** The fold, and the row that readers see. Times are milliseconds since 1970. */
export const Build = z.object({
  ...request.shape,
  ...run.partial().shape,
  ...Reports.shape,
  buildId: BuildId,
  status: BuildStatus,
  createdAt: z.int(),
  startedAt: z.int().optional(),
  finishedAt: z.int().optional(),
  /** The one that began last. */
  phase: BuildPhase.optional(),
  phases: z.array(PhaseRun),
  error: BuildError.optional(),
  stopReason: StopReason.optional(),
});
export type Build = z.infer<typeof Build>;
export type BuildState = Build | Absent;

export const isOver = (build: Build): boolean => build.finishedAt !== undefined;

const begin = (fact: Extract<StoredBuildEvent, { type: 'BuildRequested' }>): Build => ({
  ...request.parse(fact),
  pullRequest: { number: fact.pullRequest },
  buildId: BuildId.parse(rootOf(fact.stream)),
  status: 'requested',
  createdAt: Date.parse(fact.at),
  phases: [],
});

const finish = (build: Build, finishedAt: number): Build => ({
  ...build,
  finishedAt,
  phases: endPhase(build.phases, { status: 'stopped', finishedAt }),
});

const evolve = (state: BuildState, stored: StoredBuildEvent): Build => {
  if (stored.type === 'BuildRequested') return begin(stored);
  if (state.status === 'absent') throw new Error(`${stored.stream} starts with ${stored.type}`);
  const at = Date.parse(stored.at);
  switch (stored.type) {
    case 'BuildStarted':
      return { ...state, ...run.parse(stored), status: 'running', startedAt: at };
    case 'PhaseStarted':
    case 'PhaseSucceeded':
    case 'PhaseFailed':
      return { ...state, phase: stored.phase, phases: evolvePhases(state.phases, stored, at) };
    case 'TestsReported':
    case 'CoverageReported':
    case 'PullRequestUpdated':
    case 'ArtifactsStored':
      return { ...state, ...evolveReports(stored) };
    case 'BuildSucceeded':
      return { ...finish(state, at), status: 'succeeded' };
    case 'BuildFailed':
      return { ...finish(state, at), status: 'failed', error: stored.error };
    case 'BuildStopped':
      return { ...finish(state, at), status: 'stopped', stopReason: stored.reason };
  }
};

type OutcomeCommand = { type: 'succeed' } | { type: 'fail'; error: BuildError } | { type: 'stop'; reason: StopReason };

export type BuildCommand =
  | ({ type: 'request' } & z.infer<typeof request>)
  | ({ type: 'start' } & z.infer<typeof run>)
  | PhaseCommand
  | ReportCommand
  | OutcomeCommand;

export type BuildRefusal =
  | 'no-such-build'
  | 'already-requested'
  | 'already-running'
  | 'already-over'
  | 'not-running'
  | PhaseRefusal
  | 'phases-missing'
  | 'below-the-bar';
type BuildDecision = Decision<BuildEvent, BuildRefusal>;

/** The bars are held here as well as in their phases: no runner, however wrong, makes a build succeed below them. */
const succeed = ({ phases, tests, coverage, coverageThreshold }: Build): BuildDecision => {
  if (!allSucceeded(phases)) return reject('phases-missing');
  const good = tests !== undefined && isGreen(tests) && coverage !== undefined && reaches(coverageThreshold, coverage);
  return good ? accept({ type: 'BuildSucceeded', v: 1 }) : reject('below-the-bar');
};

const outcomeOf = { succeed: 'succeeded', fail: 'failed', stop: 'stopped' } as const;

const settle = (build: Build, command: OutcomeCommand): BuildDecision => {
  if (isOver(build)) return build.status === outcomeOf[command.type] ? accept() : reject('already-over');
  switch (command.type) {
    case 'succeed':
      return succeed(build);
    case 'fail':
      return accept({ type: 'BuildFailed', v: 1, error: command.error });
    case 'stop':
      return accept({ type: 'BuildStopped', v: 1, reason: command.reason });
  }
};

const start = (build: Build, { codeBuildId, runner }: z.infer<typeof run>): BuildDecision => {
  if (isOver(build)) return reject('already-over');
  if (build.status === 'requested') return accept({ type: 'BuildStarted', v: 1, codeBuildId, runner });
  return build.codeBuildId === codeBuildId && build.runner === runner ? accept() : reject('already-running');
};

const decide = (state: BuildState, command: BuildCommand): BuildDecision => {
  if (command.type === 'request') {
    return state.status === 'absent'
      ? accept({ type: 'BuildRequested', v: 1, ...request.parse(command) })
      : reject('already-requested');
  }
  if (state.status === 'absent') return reject('no-such-build');
  switch (command.type) {
    case 'start':
      return start(state, command);
    case 'succeed':
    case 'fail':
    case 'stop':
      return settle(state, command);
    case 'start-phase':
    case 'succeed-phase':
    case 'fail-phase':
      return state.status === 'running' ? decidePhase(state.phases, command) : reject('not-running');
    case 'report-tests':
    case 'report-coverage':
    case 'report-pull-request':
    case 'report-artifacts':
      return state.status === 'running' ? decideReport(state, command) : reject('not-running');
  }
};

export const build: Decider<Build, BuildEvent, StoredBuildEvent, BuildCommand, BuildRefusal> = { evolve, decide };

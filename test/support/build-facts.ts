/** The facts and commands of one build, from which its tests make up histories. */
import { BuildPhase } from '#events/build-phase.ts';
import type { BuildError } from '#events/build-phase.ts';
import type { BuildCommand, BuildEvent } from '#events/build.ts';
import { LockKey, LockToken } from '#events/lock.ts';
import { buildId, workItemId } from './ids.ts';

export const stream = `build/${buildId(1)}` as const;

type Fact<Type extends BuildEvent['type']> = Extract<BuildEvent, { type: Type }>;

export const request: Omit<Fact<'BuildRequested'>, 'type' | 'v'> = {
  workItemId,
  repository: 'acme/shop',
  branch: 'feature/cart',
  headSha: '1'.repeat(40),
  pullRequest: 7,
  specPath: '.kiro/specs/cart',
  environment: 'test',
  coverageThreshold: 80,
  locks: [{ lockKey: LockKey.parse('acme/shop#feature/cart'), token: LockToken.parse(3) }],
  attempt: 1,
};
export const run = { codeBuildId: 'kiro:1', runner: 'builder-1' };
export const error: BuildError = {
  class: 'tests-failed',
  message: '2 tests fail',
  remedy: 'see the report',
  retryable: false,
};
export const tests = { total: 10, passed: 9, failed: 0, skipped: 1, flaky: ['adds to cart'] };
export const coverage = { lines: 91, functions: 85.5, branches: 80, statements: 90 };
export const section = { number: 7, url: 'https://example.com/acme/shop/pull/7', sectionSha256: 'a'.repeat(64) };
export const files = { prefix: 'test/1', files: [{ key: 'logs/build.log', sha256: 'b'.repeat(64), bytes: 12 }] };

export const requested = { type: 'BuildRequested', v: 1, ...request } as const;
export const started = { type: 'BuildStarted', v: 1, ...run } as const;
export const begun = (phase: BuildPhase, attempt = 1) => ({ type: 'PhaseStarted', v: 1, phase, attempt }) as const;
export const done = (phase: BuildPhase) => ({ type: 'PhaseSucceeded', v: 1, phase, durationMs: 5 }) as const;
export const broken = (phase: BuildPhase, willRetry = false) =>
  ({ type: 'PhaseFailed', v: 1, phase, error, willRetry }) as const;
export const testsReported: Fact<'TestsReported'> = { type: 'TestsReported', v: 1, ...tests };
export const coverageReported = { type: 'CoverageReported', v: 1, ...coverage, threshold: 80 } as const;
export const updated = { type: 'PullRequestUpdated', v: 1, ...section } as const;
export const artifactsStored: Fact<'ArtifactsStored'> = { type: 'ArtifactsStored', v: 1, ...files };
export const succeeded = { type: 'BuildSucceeded', v: 1 } as const;
export const failed: Fact<'BuildFailed'> = { type: 'BuildFailed', v: 1, error };
export const stopped = { type: 'BuildStopped', v: 1, reason: 'lost-lock' } as const;

/** Every phase up to this one came to its good end. */
export const through = (last: BuildPhase): BuildEvent[] => {
  const phases = BuildPhase.options.slice(0, BuildPhase.options.indexOf(last) + 1);
  return [requested, started, ...phases.flatMap((phase) => [begun(phase), done(phase)])];
};

export const start = (phase: BuildPhase): BuildCommand => ({ type: 'start-phase', phase });
export const succeed = (phase: BuildPhase): BuildCommand => ({ type: 'succeed-phase', phase, durationMs: 5 });
export const fail = (phase: BuildPhase, willRetry = false): BuildCommand => ({
  type: 'fail-phase',
  phase,
  error,
  willRetry,
});

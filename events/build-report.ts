/** What a build finds out and leaves behind, and the bars that its results must reach. */
import { z } from 'zod';
import { accept } from './decider.ts';
import type { Decision } from './decider.ts';
import { factSchema } from './envelope.ts';

const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
export const Percent = z.number().min(0).max(100);

/** `flaky` names the tests that failed first and passed when run again; they count as passed. */
export const TestReport = z.object({
  total: count,
  passed: count,
  failed: count,
  skipped: count,
  flaky: z.array(z.string()),
});
export type TestReport = z.infer<typeof TestReport>;

export const Coverage = z.object({ lines: Percent, functions: Percent, branches: Percent, statements: Percent });
export type Coverage = z.infer<typeof Coverage>;

/** `sectionSha256` is of our section between its markers, so that an unchanged section is not written again. */
export const PullRequestSection = z.object({ number: z.int().positive(), url: z.url(), sectionSha256: sha256 });
export type PullRequestSection = z.infer<typeof PullRequestSection>;

/** Keys are relative to the prefix in the artifacts bucket. */
export const StoredFiles = z.object({
  prefix: z.string().min(1),
  files: z.array(z.object({ key: z.string().min(1), sha256, bytes: count })),
});
export type StoredFiles = z.infer<typeof StoredFiles>;

const tests = factSchema('TestsReported', 1, 'The tests ran in a fresh checkout and were counted by us.', {
  ...TestReport.shape,
});
const coverage = factSchema('CoverageReported', 1, 'Coverage in percent, computed by us from the raw data.', {
  ...Coverage.shape,
  threshold: Percent,
});
const pullRequest = factSchema('PullRequestUpdated', 1, 'Our section of the pull request says this now.', {
  ...PullRequestSection.shape,
});
const artifacts = factSchema('ArtifactsStored', 1, 'Logs and reports are in the bucket, without secrets.', {
  ...StoredFiles.shape,
});
export const reportFacts = [tests, coverage, pullRequest, artifacts] as const;
export type ReportEvent = z.infer<(typeof reportFacts)[number]>;

/** The newest report of each kind; of the pull request only the number is known from the beginning. */
export const Reports = z.object({
  coverageThreshold: Percent,
  tests: TestReport.optional(),
  coverage: Coverage.optional(),
  pullRequest: PullRequestSection.partial({ url: true, sectionSha256: true }),
  artifacts: StoredFiles.optional(),
});
export type Reports = z.infer<typeof Reports>;

export const evolveReports = (fact: ReportEvent): Partial<Reports> => {
  switch (fact.type) {
    case 'TestsReported':
      return { tests: TestReport.parse(fact) };
    case 'CoverageReported':
      return { coverage: Coverage.parse(fact) };
    case 'PullRequestUpdated':
      return { pullRequest: PullRequestSection.parse(fact) };
    case 'ArtifactsStored':
      return { artifacts: StoredFiles.parse(fact) };
  }
};

export type ReportCommand =
  | ({ type: 'report-tests' } & TestReport)
  | ({ type: 'report-coverage' } & Coverage)
  | ({ type: 'report-pull-request' } & PullRequestSection)
  | ({ type: 'report-artifacts' } & StoredFiles);

/** Both sides come from the same schema, so equal values have equal text. */
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A report may be made again with other contents, as after a repair; the same contents again are no news. */
export const decideReport = (reports: Reports, command: ReportCommand): Decision<ReportEvent, never> => {
  switch (command.type) {
    case 'report-tests': {
      const report = TestReport.parse(command);
      return same(report, reports.tests) ? accept() : accept({ type: 'TestsReported', v: 1, ...report });
    }
    case 'report-coverage': {
      const report = Coverage.parse(command);
      if (same(report, reports.coverage)) return accept();
      return accept({ type: 'CoverageReported', v: 1, ...report, threshold: reports.coverageThreshold });
    }
    case 'report-pull-request': {
      const report = PullRequestSection.parse(command);
      return same(report, reports.pullRequest) ? accept() : accept({ type: 'PullRequestUpdated', v: 1, ...report });
    }
    case 'report-artifacts': {
      const report = StoredFiles.parse(command);
      return same(report, reports.artifacts) ? accept() : accept({ type: 'ArtifactsStored', v: 1, ...report });
    }
  }
};

/** A run without a single test that passed proves nothing, so it is not green. */
export const isGreen = (tests: TestReport): boolean => tests.passed > 0 && tests.failed === 0;

/** The lowest of the four counts. */
export const reaches = (threshold: number, { lines, functions, branches, statements }: Coverage): boolean =>
  Math.min(lines, functions, branches, statements) >= threshold;

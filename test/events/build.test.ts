import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { build, StopReason } from '#events/build.ts';
import type { BuildCommand, BuildEvent } from '#events/build.ts';
import {
  stream,
  requested,
  request,
  run,
  error,
  tests,
  coverage,
  section,
  files,
  started,
  begun,
  done,
  broken,
  testsReported,
  coverageReported,
  updated,
  artifactsStored,
  succeeded,
  failed,
  stopped,
  through,
  start,
} from '#test/support/build-facts.ts';
import { foldOf, given } from '#test/support/given.ts';
import { buildId } from '#test/support/ids.ts';

const at = (n: number): number => Date.UTC(2026, 0, 1) + n * 1000;

const history = (...facts: BuildEvent[]) => given(build, stream, ...facts);

describe('a build', () => {
  it('is requested once', () => {
    history()
      .when({ type: 'request', ...request })
      .then(requested);
    history(requested)
      .when({ type: 'request', ...request })
      .refused('already-requested');
  });
  it('is taken up by one runner, however often it says so', () => {
    history(requested)
      .when({ type: 'start', ...run })
      .then(started);
    history(requested, started)
      .when({ type: 'start', ...run })
      .then();
    for (const other of [{ runner: 'builder-2' }, { codeBuildId: 'kiro:2' }]) {
      history(requested, started)
        .when({ type: 'start', ...run, ...other })
        .refused('already-running');
    }
    history(requested, stopped)
      .when({ type: 'start', ...run })
      .refused('already-over');
  });
  it('has phases and reports only while it runs', () => {
    for (const command of [start('checkout'), { type: 'report-tests', ...tests } as const]) {
      history(requested).when(command).refused('not-running');
      history(requested, started, stopped).when(command).refused('not-running');
    }
  });
  it('must exist before anything can be said of it', () => {
    const commands: BuildCommand[] = [{ type: 'start', ...run }, start('checkout'), { type: 'succeed' }];
    for (const command of commands) history().when(command).refused('no-such-build');
  });

  it('stores a report once, and again only when it says something else', () => {
    const running = [requested, started];
    history(...running)
      .when({ type: 'report-tests', ...tests })
      .then(testsReported);
    history(...running, testsReported)
      .when({ type: 'report-tests', ...tests })
      .then();
    history(...running, testsReported)
      .when({ type: 'report-tests', ...tests, flaky: [] })
      .then({ ...testsReported, flaky: [] });
    history(...running)
      .when({ type: 'report-pull-request', ...section })
      .then(updated);
    history(...running, updated)
      .when({ type: 'report-pull-request', ...section })
      .then();
    history(...running)
      .when({ type: 'report-artifacts', ...files })
      .then(artifactsStored);
    history(...running, artifactsStored)
      .when({ type: 'report-artifacts', ...files })
      .then();
  });
  it('measures coverage against the threshold it was requested with', () => {
    history(requested, started)
      .when({ type: 'report-coverage', ...coverage })
      .then(coverageReported);
    history(requested, started, coverageReported)
      .when({ type: 'report-coverage', ...coverage })
      .then();
  });

  it('succeeds when every phase did and tests and coverage reach the bar', () => {
    history(...through('cleanup'), testsReported, coverageReported)
      .when({ type: 'succeed' })
      .then(succeeded);
    history(...through('artifacts'), testsReported, coverageReported)
      .when({ type: 'succeed' })
      .then(succeeded);
  });
  it('does not succeed without each of its phases', () => {
    history(...through('pull-request'), testsReported, coverageReported)
      .when({ type: 'succeed' })
      .refused('phases-missing');
    const pullRequestFailed = [begun('pull-request'), broken('pull-request'), begun('artifacts'), done('artifacts')];
    history(...through('coverage'), ...pullRequestFailed, testsReported, coverageReported)
      .when({ type: 'succeed' })
      .refused('phases-missing');
    history(requested).when({ type: 'succeed' }).refused('phases-missing');
  });
  it('does not succeed with a failing test, without any test, or without a report', () => {
    const past = [...through('cleanup'), coverageReported];
    history(...past)
      .when({ type: 'succeed' })
      .refused('below-the-bar');
    history(...past, { ...testsReported, failed: 1 })
      .when({ type: 'succeed' })
      .refused('below-the-bar');
    history(...past, { ...testsReported, passed: 0 })
      .when({ type: 'succeed' })
      .refused('below-the-bar');
  });
  it('does not succeed with one of the four coverages below the threshold, or without a report', () => {
    const past = [...through('cleanup'), testsReported];
    history(...past)
      .when({ type: 'succeed' })
      .refused('below-the-bar');
    for (const low of ['lines', 'functions', 'branches', 'statements']) {
      history(...past, { ...coverageReported, [low]: 79.99 })
        .when({ type: 'succeed' })
        .refused('below-the-bar');
    }
  });
  it('fails or is stopped at any time before it is over', () => {
    for (const past of [[requested], [requested, started], [requested, started, begun('checkout')]]) {
      history(...past)
        .when({ type: 'fail', error })
        .then(failed);
      for (const reason of StopReason.options) {
        history(...past)
          .when({ type: 'stop', reason })
          .then({ ...stopped, reason });
      }
    }
  });
  it('has the outcome that came first', () => {
    history(requested, failed).when({ type: 'fail', error }).then();
    history(requested, stopped).when({ type: 'stop', reason: 'cancelled' }).then();
    history(...through('cleanup'), testsReported, coverageReported, succeeded)
      .when({ type: 'succeed' })
      .then();
    history(requested, stopped).when({ type: 'fail', error }).refused('already-over');
    history(requested, failed).when({ type: 'stop', reason: 'cancelled' }).refused('already-over');
    history(requested, failed).when({ type: 'succeed' }).refused('already-over');
  });

  const row = { ...request, buildId: buildId(1), createdAt: at(0), pullRequest: { number: 7 } };

  it('shows the last run of each phase, and what was reported last', () => {
    const phases = [
      begun('checkout'),
      broken('checkout', true),
      begun('checkout', 2),
      { ...done('checkout'), detail: 'ok' },
    ];
    const reports = [testsReported, coverageReported, updated, artifactsStored];
    assert.deepEqual(foldOf(build, stream, [requested, started, ...phases, ...reports]), {
      ...{ ...row, ...run, status: 'running', startedAt: at(1), phase: 'checkout' },
      ...{ tests, coverage, pullRequest: section, artifacts: files },
      phases: [
        {
          ...{ phase: 'checkout', status: 'succeeded', attempt: 2 },
          ...{ startedAt: at(4), finishedAt: at(5), detail: 'ok' },
        },
      ],
    });
  });
  it('shows how it ended, and where', () => {
    const past = [requested, started, begun('checkout')];
    const over = { ...row, ...run, startedAt: at(1), finishedAt: at(3), phase: 'checkout' };
    const phase = { phase: 'checkout', attempt: 1, startedAt: at(2), finishedAt: at(3) };
    assert.deepEqual(foldOf(build, stream, [...past, stopped]), {
      ...{ ...over, status: 'stopped', stopReason: 'lost-lock' },
      phases: [{ ...phase, status: 'stopped' }],
    });
    assert.deepEqual(foldOf(build, stream, [...past, broken('checkout'), failed]), {
      ...{ ...over, status: 'failed', error, finishedAt: at(4) },
      phases: [{ ...phase, status: 'failed', error, willRetry: false }],
    });
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BuildPhase } from '#events/build-phase.ts';
import { StopReason } from '#events/build.ts';
import type { Build, BuildCommand } from '#events/build.ts';
import { catalog } from '#events/catalog.ts';
import {
  stream,
  request,
  run,
  error,
  tests,
  coverage,
  section,
  files,
  start,
  succeed,
  fail,
} from '#test/support/build-facts.ts';
import { laws } from '#test/support/laws.ts';
import type { Step } from '#test/support/laws.ts';

describe('the laws of a build', () => {
  const phase = fc.constantFrom(...BuildPhase.options);
  const count = fc.integer({ min: 0, max: 2 });
  const percent = fc.constantFrom(79, 80, 95);
  const command: fc.Arbitrary<BuildCommand> = fc.oneof(
    fc.constant<BuildCommand>({ type: 'request', ...request }),
    fc.record({
      type: fc.constant('start'),
      codeBuildId: fc.constantFrom('kiro:1', 'kiro:2'),
      runner: fc.constant('one'),
    }),
    phase.map(start),
    phase.map(succeed),
    fc.tuple(phase, fc.boolean()).map(([of, again]) => fail(of, again)),
    fc.record({
      ...{ type: fc.constant('report-tests'), total: count, passed: count, failed: count, skipped: count },
      flaky: fc.array(fc.string(), { maxLength: 2 }),
    }),
    fc.record({
      ...{ type: fc.constant('report-coverage') },
      ...{ lines: percent, functions: percent, branches: percent, statements: percent },
    }),
    fc.constant<BuildCommand>({ type: 'report-pull-request', ...section }),
    fc.constant<BuildCommand>({ type: 'report-artifacts', ...files }),
    fc.constant<BuildCommand>({ type: 'succeed' }),
    fc.constant<BuildCommand>({ type: 'fail', error }),
    fc.record({ type: fc.constant('stop'), reason: fc.constantFrom(...StopReason.options) }),
  );
  /** What a runner does whom nothing befalls. */
  const onward: Step<Build, BuildCommand> = (state) => {
    if (state.status === 'absent') return { type: 'request', ...request };
    if (state.status !== 'running') return { type: 'start', ...run };
    const last = state.phases.at(-1);
    if (last?.status !== 'running') {
      const next = BuildPhase.options[last === undefined ? 0 : BuildPhase.options.indexOf(last.phase) + 1];
      return next === undefined ? { type: 'succeed' } : start(next);
    }
    if (last.phase === 'tests' && state.tests === undefined) return { type: 'report-tests', ...tests };
    if (last.phase === 'coverage' && state.coverage === undefined) return { type: 'report-coverage', ...coverage };
    return succeed(last.phase);
  };
  const astray = command.map(
    (each): Step<Build, BuildCommand> =>
      () =>
        each,
  );
  const step = fc.oneof({ weight: 9, arbitrary: fc.constant(onward) }, { weight: 1, arbitrary: astray });
  const { always } = laws({
    ...{ aggregate: catalog.build, stream, step },
    outcomes: ['BuildSucceeded', 'BuildFailed', 'BuildStopped'],
  });

  it('phases begin in their order, and never two at once', () =>
    always(({ history }) => {
      const order = BuildPhase.options;
      const began = history.filter((fact) => fact.type === 'PhaseStarted').map((fact) => order.indexOf(fact.phase));
      assert.deepEqual(
        began,
        began.toSorted((a, b) => a - b),
      );
      const turns = history.filter((fact) => 'phase' in fact);
      turns.forEach((fact, index) => {
        assert.equal(fact.type === 'PhaseStarted', index % 2 === 0);
        if (index % 2 === 1) assert.equal(fact.phase, turns[index - 1]?.phase);
      });
    }));

  it('a build that succeeded has green tests and coverage at its threshold', () =>
    always(({ state }) => {
      if (state.status !== 'succeeded') return;
      assert.ok(state.tests?.failed === 0 && state.tests.passed > 0);
      const { lines = 0, functions = 0, branches = 0, statements = 0 } = state.coverage ?? {};
      for (const each of [lines, functions, branches, statements]) assert.ok(each >= state.coverageThreshold);
    }));
});

import { describe, it } from 'node:test';
import { build } from '#events/build.ts';
import type { BuildEvent } from '#events/build.ts';
import {
  stream,
  requested,
  started,
  begun,
  done,
  broken,
  through,
  start,
  succeed,
  fail,
} from '#test/support/build-facts.ts';
import { given } from '#test/support/given.ts';

const history = (...facts: BuildEvent[]) => given(build, stream, ...facts);

describe('the phases of a build', () => {
  it('run in their order, one at a time', () => {
    history(requested, started).when(start('checkout')).then(begun('checkout'));
    history(requested, started).when(start('validate')).refused('phase-out-of-order');
    history(requested, started, begun('checkout')).when(start('checkout')).then();
    history(requested, started, begun('checkout')).when(start('validate')).refused('phase-out-of-order');
    history(requested, started, begun('checkout')).when(start('cleanup')).refused('phase-out-of-order');
    history(...through('checkout'))
      .when(start('validate'))
      .then(begun('validate'));
    history(...through('checkout'))
      .when(start('steering'))
      .refused('phase-out-of-order');
    history(...through('validate'))
      .when(start('checkout'))
      .refused('phase-out-of-order');
    history(...through('validate'))
      .when(start('validate'))
      .refused('phase-out-of-order');
  });
  it('end once, and only the one that runs', () => {
    history(requested, started, begun('checkout')).when(succeed('checkout')).then(done('checkout'));
    history(requested, started, begun('checkout'))
      .when({ type: 'succeed-phase', phase: 'checkout', durationMs: 5, detail: 'at 1111111' })
      .then({ ...done('checkout'), detail: 'at 1111111' });
    history(requested, started, begun('checkout')).when(fail('checkout')).then(broken('checkout'));
    history(...through('checkout'))
      .when(succeed('checkout'))
      .then();
    history(requested, started, begun('checkout'), broken('checkout')).when(fail('checkout')).then();
    history(requested, started, begun('checkout')).when(succeed('validate')).refused('phase-not-running');
    history(requested, started, begun('checkout')).when(fail('validate')).refused('phase-not-running');
    history(...through('checkout'))
      .when(fail('checkout'))
      .refused('phase-not-running');
  });
  it('run again only where that was said', () => {
    const past = [...through('validate'), begun('steering')];
    history(...past, broken('steering', true))
      .when(start('steering'))
      .then(begun('steering', 2));
    history(...past, broken('steering'))
      .when(start('steering'))
      .refused('phase-out-of-order');
  });
  it('go on after a failure only to tell people and to tidy up', () => {
    const past = [...through('kiro'), begun('tests'), broken('tests')];
    history(...past)
      .when(start('coverage'))
      .refused('phase-out-of-order');
    for (const phase of ['pull-request', 'artifacts', 'cleanup'] as const) {
      history(...past)
        .when(start(phase))
        .then(begun(phase));
    }
    history(requested, started).when(start('cleanup')).then(begun('cleanup'));
    history(...past, begun('cleanup'), done('cleanup'))
      .when(start('artifacts'))
      .refused('phase-out-of-order');
  });
});

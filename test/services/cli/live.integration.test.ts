/** Following a task over connections that fail in every way they can. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import { CommandFault, exitCodes } from '../../../services/cli/exit.ts';
import { follow } from '../../../services/cli/live.ts';
import type { Step } from '../../../services/cli/live.ts';
import { completed, said, started, submitted } from './facts.ts';
import type { LiveFault } from './fake-live.ts';
import { key, startFakeService } from './fake-service.ts';
import type { FakeService } from './fake-service.ts';

const options = { heartbeatMs: 30, pauseMaxMs: 1 };
const never = new AbortController().signal;

void suite('following a task', () => {
  let service: FakeService;
  before(async () => void (service = await startFakeService()));
  after(() => service[Symbol.asyncDispose]());

  const settings = () => ({ url: new URL(`${service.url}/`), key });
  const factsOf = (steps: readonly Step[]) => steps.flatMap((step) => (step.step === 'fact' ? [step.fact] : []));
  const followAll = (taskId: string, from = 0): Promise<Step[]> =>
    Array.fromAsync(follow(taskId, from, settings(), options, never));
  const addFinished = (words: number): string =>
    service.addTask(
      submitted(),
      started(),
      ...Array.from({ length: words }, (_, n) => said(n + 1, `word ${n} `)),
      completed(),
    );
  const refused = (code: number, message: RegExp) => (fault: unknown) => {
    assert.ok(fault instanceof CommandFault);
    assert.equal(fault.exitCode, code);
    assert.match(fault.message, message);
    return true;
  };

  const fault: fc.Arbitrary<LiveFault> = fc.oneof(
    fc.record({
      fault: fc.constant('ended' as const),
      behind: fc.nat(8),
      how: fc.constantFrom('closed' as const, 'cut' as const),
    }),
    fc.record({ fault: fc.constant('doubled' as const), until: fc.nat(8) }),
    fc.constant({ fault: 'gap' as const }),
    fc.record({ fault: fc.constant('refused' as const), status: fc.constantFrom(408, 429, 500, 502, 503, 504) }),
    fc.constant({ fault: 'said' as const, code: 'unavailable', message: 'the store does not answer' }),
    fc.constant({ fault: 'said' as const, code: 'too-slow', message: 'read faster, or follow less' }),
  );

  test('what is seen is what is stored, each fact once and in order, whatever the connections do', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 8 }), fc.nat(12), fc.nat(5), async (faults, words, from) => {
        service.liveFaults.splice(0, Infinity, ...faults);
        const taskId = addFinished(words);
        const after = Math.min(from, words);
        assert.deepEqual(factsOf(await followAll(taskId, after)), service.facts(taskId).slice(after));
      }),
      { numRuns: 60 },
    ));

  test('an outage is told once, and behind it only what was missed is asked for and counted', async () => {
    service.liveFaults.splice(
      0,
      Infinity,
      { fault: 'ended', behind: 2, how: 'cut' },
      { fault: 'refused', status: 503 },
    );
    service.askedAfter.length = 0;
    const steps = await followAll(addFinished(3));
    assert.deepEqual(
      steps.map((step) => (step.step === 'fact' ? step.fact.version : step.step === 'back' ? step : step.step)),
      [1, 2, 'lost', 3, 4, 5, { step: 'back', replayed: 4 }, 6],
    );
    assert.deepEqual(service.askedAfter, [0, 2]);
  });

  test('a close in good order is not the end: only the outcome is', async () => {
    service.liveFaults.splice(0, Infinity, { fault: 'ended', behind: 3, how: 'closed' });
    const taskId = service.addTask(submitted(), started(), said(1, 'a'));
    const steps: Step[] = [];
    for await (const step of follow(taskId, 0, settings(), options, never)) {
      steps.push(step);
      if (step.step === 'back') service.append(taskId, completed());
    }
    assert.deepEqual(factsOf(steps), service.facts(taskId));
  });

  test('a connection that stays open and says nothing, not even pong, is given up', async () => {
    service.liveFaults.splice(0, Infinity, { fault: 'mute' });
    const taskId = addFinished(1);
    assert.deepEqual(factsOf(await followAll(taskId)), service.facts(taskId));
  });

  test('a quiet task is not an outage', async () => {
    service.liveFaults.length = 0;
    const taskId = service.addTask(submitted());
    const steps: Step['step'][] = [];
    const quiet = async (): Promise<void> => {
      for (let beats = 0; beats < 4; beats += 1) await service.pinged();
      service.append(taskId, started(), completed());
    };
    await Promise.all([
      quiet(),
      Array.fromAsync(follow(taskId, 0, settings(), options, never), ({ step }) => steps.push(step)),
    ]);
    assert.deepEqual(steps, ['fact', 'fact', 'fact']);
  });

  test('what would be refused again is not asked again', async () => {
    const taskId = addFinished(1);
    const asked = service.liveFaults;
    asked.splice(0, Infinity, { fault: 'said', code: 'not-found', message: 'there is no such stream' });
    await assert.rejects(followAll(taskId), refused(exitCodes.refused, /no such stream/));
    asked.splice(0, Infinity, { fault: 'refused', status: 401, body: '{"title":"A valid API key is needed."}' });
    await assert.rejects(followAll(taskId), refused(exitCodes.refused, /A valid API key is needed/));
  });

  test('it ends at once when it is stopped, connected or not', async () => {
    for (const fault of ['none', 'mute'] as const) {
      service.liveFaults.splice(0, Infinity, { fault });
      const stop = new AbortController();
      const slow = { heartbeatMs: 60_000, pauseMaxMs: 60_000 };
      const subscribed = service.subscribed();
      const ends = Array.fromAsync(follow(service.addTask(submitted()), 0, settings(), slow, stop.signal));
      await subscribed;
      stop.abort();
      await ends;
    }
    service.liveFaults.splice(0, Infinity, { fault: 'refused', status: 503, retryAfter: '600' });
    const stop = new AbortController();
    for await (const { step } of follow(addFinished(1), 0, settings(), options, stop.signal)) {
      assert.equal(step, 'lost');
      stop.abort();
    }
  });
});

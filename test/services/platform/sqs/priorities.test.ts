/** Three queues and one taker: high first, nobody starves, and no message is lost in between. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Priority } from '#events/task.ts';
import { silent } from '#platform/log.ts';
import { afterLooking, lookOrder, neverPassed, nextWork } from '#platform/sqs/priorities.ts';
import type { Passed } from '#platform/sqs/priorities.ts';
import type { WorkMessage } from '#platform/sqs/work-queue.ts';
import { until } from '#test/support/processes.ts';

const priorities = Priority.options;
type Waiting = Record<Priority, number>;

/** Takes one message as `nextWork` does, from queues of which only the length matters. */
const serve = (waiting: Waiting, passed: Passed): { served?: Priority; passed: Passed } => {
  const order = lookOrder(passed);
  const index = order.findIndex((priority) => waiting[priority] > 0);
  const served = order[index];
  if (served === undefined) return { passed };
  waiting[served] -= 1;
  return { served, passed: afterLooking(passed, order.slice(0, index + 1)) };
};

type Round = {
  readonly waiting: Waiting;
  readonly served: Priority;
  /** How many rounds ago each priority was served last, or how many there were. */
  readonly sinceServed: Waiting;
  /** For how many rounds, this one included, each priority has had work and was not served. */
  readonly waited: Waiting;
};

/** Rounds with anything arriving before each of them, and one message served in each that has any. */
const eachRound = (judge: (round: Round) => void): void => {
  const arrival = fc.record({ high: fc.nat(2), normal: fc.nat(2), low: fc.nat(2) });
  const run = (arrivals: readonly Waiting[]): void => {
    const waiting: Waiting = { high: 0, normal: 0, low: 0 };
    const waited: Waiting = { high: 0, normal: 0, low: 0 };
    const sinceServed: Waiting = { high: 0, normal: 0, low: 0 };
    let passed = neverPassed;
    for (const arrived of arrivals) {
      for (const priority of priorities) waiting[priority] += arrived[priority];
      const before = { waiting: { ...waiting }, sinceServed: { ...sinceServed } };
      const { served, passed: after } = serve(waiting, passed);
      passed = after;
      if (served === undefined) continue;
      for (const priority of priorities) {
        sinceServed[priority] = served === priority ? 0 : sinceServed[priority] + 1;
        waited[priority] = before.waiting[priority] === 0 || served === priority ? 0 : waited[priority] + 1;
      }
      judge({ ...before, served, waited });
    }
  };
  fc.assert(fc.property(fc.array(arrival, { maxLength: 200, size: 'max' }), run), { numRuns: 500 });
};

describe('the order in which queues are looked at', () => {
  it('is high, normal, low', () => assert.deepEqual(lookOrder(neverPassed), ['high', 'normal', 'low']));

  it('lets every priority that has work be served within ten rounds, whatever arrives', () =>
    eachRound(({ waited }) => {
      for (const priority of priorities)
        assert.ok(waited[priority] < 10, `${priority} waited ${waited[priority]} rounds`);
    }));

  it('serves the best that has work, unless a lesser one was passed over eight times', () =>
    eachRound(({ waiting, sinceServed, served }) => {
      const best = priorities.find((priority) => waiting[priority] > 0);
      if (served !== best) assert.ok(sinceServed[served] >= 8, `${served} came before ${String(best)}`);
    }));
});

/** A queue as a list of versions: what is received is gone until it is given back. */
const listQueue = (extend: WorkMessage['extend'] = async () => undefined) => {
  const queue: number[] = [];
  let arrived = Promise.withResolvers<undefined>();
  let gate: Promise<unknown> = Promise.resolve();
  let waits = 0;
  let asking = 0;
  let askedAtOnce = 0;
  const push = (version: number): void => {
    queue.push(version);
    arrived.resolve(undefined);
  };
  const message = (version: number): WorkMessage => ({
    ...{ stream: 'task/1', version, type: 'TaskSubmitted', receives: 1 },
    extend,
    done: async () => undefined,
    giveBack: async () => push(version),
  });
  const receive = async (waitSeconds: number): Promise<WorkMessage | undefined> => {
    asking += 1;
    askedAtOnce = Math.max(askedAtOnce, asking);
    await gate;
    if (queue.length === 0 && waitSeconds > 0) {
      waits += 1;
      arrived = Promise.withResolvers();
      await arrived.promise;
    }
    asking -= 1;
    const version = queue.shift();
    return version === undefined ? undefined : message(version);
  };
  return {
    ...{ push, receive },
    /** Ends a wait with nothing, as a queue does that stays empty. */
    endWait: () => arrived.resolve(undefined),
    /** Answers to requests from now on come only after this. */
    answerAfter: (promise: Promise<unknown>): void => {
      gate = promise;
    },
    left: () => [...queue],
    waits: () => waits,
    asking: () => asking,
    askedAtOnce: () => askedAtOnce,
  };
};
const never = new AbortController().signal;
const listQueues = () => ({ high: listQueue(), normal: listQueue(), low: listQueue() });

describe('taking work', () => {
  it('takes what is there, best first', async () => {
    const queues = listQueues();
    queues.low.push(3);
    queues.normal.push(2);
    queues.high.push(1);
    const work = nextWork({ queues, log: silent });
    const taken = [await work.takeWork(never), await work.takeWork(never), await work.takeWork(never)];
    assert.deepEqual(
      taken.map(({ version }) => version),
      [1, 2, 3],
    );
    await work[Symbol.asyncDispose]();
  });

  it('leaves lesser work to other workers while it has better', async () => {
    const queues = listQueues();
    queues.high.push(1);
    queues.low.push(3);
    const work = nextWork({ queues, log: silent });
    await work.takeWork(never);
    assert.deepEqual(queues.low.left(), [3]);
    await work[Symbol.asyncDispose]();
  });

  it('waits at all queues, and keeps what arrives at another for the next call', async () => {
    const queues = listQueues();
    const work = nextWork({ queues, log: silent });
    const first = work.takeWork(never);
    await until(() => priorities.every((priority) => queues[priority].waits() === 1), 'no wait at every queue');
    queues.low.push(3);
    queues.normal.push(2);
    const both = [await first, await work.takeWork(never)];
    assert.deepEqual(both.map(({ version }) => version).sort(), [2, 3]);
    assert.equal(queues.high.askedAtOnce(), 1);
    queues.high.endWait();
    await work[Symbol.asyncDispose]();
  });

  it('gives every call its own message', async () => {
    const queues = listQueues();
    const work = nextWork({ queues, log: silent });
    const calls = [1, 2, 3, 4].map(() => work.takeWork(never));
    await until(() => priorities.every((priority) => queues[priority].waits() === 1), 'no wait at every queue');
    for (const version of [1, 2, 3, 4]) queues[version % 2 === 0 ? 'high' : 'low'].push(version);
    const taken = await Promise.all(calls);
    assert.deepEqual(taken.map(({ version }) => version).sort(), [1, 2, 3, 4]);
    for (const priority of priorities) queues[priority].endWait();
    await work[Symbol.asyncDispose]();
  });

  it('loses nothing when a call is aborted: the message goes to the next call, or back', async () => {
    const queues = listQueues();
    const work = nextWork({ queues, log: silent });
    const giveUp = new AbortController();
    const aborted = work.takeWork(giveUp.signal);
    await until(() => priorities.every((priority) => queues[priority].waits() === 1), 'no wait at every queue');
    giveUp.abort(new Error('no longer wanted'));
    await assert.rejects(aborted, /no longer wanted/);
    queues.normal.push(2);
    assert.equal((await work.takeWork(never)).version, 2);
    queues.high.push(1);
    queues.normal.endWait();
    queues.low.endWait();
    await work[Symbol.asyncDispose]();
    assert.deepEqual(queues.high.left(), [1]);
  });

  it('notices what arrives at one queue while it asks another', async () => {
    const queues = listQueues();
    const work = nextWork({ queues, log: silent });
    const first = work.takeWork(never);
    await until(() => priorities.every((priority) => queues[priority].waits() === 1), 'no wait at every queue');
    queues.normal.push(2);
    assert.equal((await first).version, 2);
    const answer = Promise.withResolvers<undefined>();
    queues.normal.answerAfter(answer.promise);
    const second = work.takeWork(never);
    queues.high.push(1);
    await until(() => queues.high.left().length === 0, 'nothing was received');
    answer.resolve(undefined);
    assert.equal((await second).version, 1);
    queues.low.endWait();
    await work[Symbol.asyncDispose]();
  });

  it('gives back at once what it receives after the call was aborted', async () => {
    const queues = listQueues();
    const work = nextWork({ queues, log: silent });
    const answer = Promise.withResolvers<undefined>();
    queues.high.answerAfter(answer.promise);
    queues.high.push(1);
    const giveUp = new AbortController();
    const aborted = work.takeWork(giveUp.signal);
    await until(() => queues.high.asking() === 1, 'nothing was asked');
    giveUp.abort(new Error('no longer wanted'));
    answer.resolve(undefined);
    await assert.rejects(aborted, /no longer wanted/);
    assert.deepEqual(queues.high.left(), [1]);
    await work[Symbol.asyncDispose]();
  });

  it('holds what it keeps for later, and forgets what it can hold no more', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const extended: number[] = [];
    const lost = () => Promise.reject(new Error('not in flight'));
    const holding = async (ms: number): Promise<void> => void extended.push(ms);
    const queues = { high: listQueue(), normal: listQueue(holding), low: listQueue(lost) };
    const work = nextWork({ queues, log: silent });
    const first = work.takeWork(never);
    await until(() => priorities.every((priority) => queues[priority].waits() === 1), 'no wait at every queue');
    queues.high.push(1);
    assert.equal((await first).version, 1);
    queues.normal.push(2);
    queues.low.push(3);
    await until(() => queues.low.left().length === 0, 'nothing was kept');
    t.mock.timers.tick(10_000);
    assert.deepEqual(extended, [30_000]);
    await work[Symbol.asyncDispose]();
    assert.deepEqual([queues.normal.left(), queues.low.left()], [[2], []]);
  });

  it('goes on when a queue cannot be reached', async () => {
    const queues = listQueues();
    queues.low.push(3);
    const failing = { ...queues, high: { receive: () => Promise.reject(new Error('unreachable')) } };
    const work = nextWork({ queues: failing, log: silent });
    assert.equal((await work.takeWork(never)).version, 3);
    await work[Symbol.asyncDispose]();
  });
});

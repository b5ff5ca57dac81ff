/** What must be noticed is noticed: services that stop badly, and histories that no good stop leaves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { eventually } from '#test/support/eventually.ts';
import { carriersOf } from '#test/support/processes.ts';
import { startService } from '#test/support/service-process.ts';
import { ask } from './ask.ts';
import { faultsOf, faultsOfTask } from './judge.ts';
import { stopService } from './stopping.ts';

const main = fileURLToPath(new URL('programs/bad-service.ts', import.meta.url));
const limitMs = 4_000;

/** Stops the bad service while it answers a request. */
const faultsWhen = async (behave: string): Promise<string[]> => {
  const marker = `bad-service-${process.pid}-${behave}`;
  await using service = startService('api', { main, env: { BEHAVE: behave, MARKER: marker } });
  const url = z.string().parse((await service.started())['address']);
  const asked = ask(url, { key: 'none' });
  await eventually(() => service.output().includes('answer.begun') || undefined, 'no answer begins');
  const stop = await stopService({ role: 'api', service, limitMs, port: Number(new URL(url).port) });
  for (const left of carriersOf(marker)) process.kill(left, 'SIGKILL');
  const answer = await asked;
  const cutOff = answer.ended === 'broken' ? ['an answer'] : [];
  return faultsOf({ ...stop, cutOff });
};

describe('the check of a stop', { concurrency: true }, () => {
  const cutOff = 'the api cut off an answer';
  for (const [behave, ...expected] of [
    ['well'],
    ['deaf', /^api ended with SIGKILL$/, /^api took \d+ ms/, /^the api took on/, cutOff],
    ['fails', /^api ended with 1$/, cutOff],
    ['litters', /^1 processes of the api outlived it$/, cutOff],
    ['goes-on', /^the api took on/, cutOff],
    ['hangs-up', cutOff],
  ] as const) {
    it(`finds what is wrong with a service that ${behave === 'well' ? 'stops well: nothing' : behave}`, async () => {
      const faults = await faultsWhen(behave);
      assert.equal(faults.length, expected.length, faults.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(faults[index] ?? '', new RegExp(pattern));
    });
  }
});

describe('the check of a history', () => {
  const history = (...types: string[]) => types.map((type, index) => ({ type, version: index + 1 }));
  const handedBack = [
    ...history('TaskSubmitted', 'TaskStarted'),
    { type: 'TaskInterrupted', version: 3, cause: 'shutdown' },
    { type: 'TaskRetried', version: 4 },
    { type: 'TaskStarted', version: 5 },
    { type: 'TaskCompleted', version: 6 },
  ];

  it('has nothing against a task that was handed back and then ended', () => {
    assert.deepEqual(faultsOfTask(handedBack, 'TaskCompleted'), []);
  });

  for (const [name, facts, fault] of [
    ['that nobody finds', undefined, 'is lost'],
    ['that did not end', handedBack.slice(0, 5), 'has 0 outcomes'],
    ['that ended twice', [...handedBack, { type: 'TaskCompleted', version: 7 }], 'has 2 outcomes'],
    ['that failed', history('TaskSubmitted', 'TaskFailed'), 'ended with TaskFailed and not TaskCompleted'],
    [
      'whose worker was found dead',
      handedBack.with(2, { type: 'TaskInterrupted', version: 3, cause: 'worker-lost' }),
      'lost an attempt: worker-lost',
    ],
    ['with a fact that is missing', handedBack.toSpliced(1, 1), 'has versions that are not dense'],
  ] as const) {
    it(`finds a task ${name}`, () => assert.deepEqual(faultsOfTask(facts, 'TaskCompleted'), [fault]));
  }
});

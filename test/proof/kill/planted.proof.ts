import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printCounts } from '#test/proof/effort.ts';
import { breachesOf, tell } from '#test/support/history.ts';
import { sleepPastTheLease } from './locks.ts';
import { acknowledgesFirst, forgetsInTheRow, remembersFirst, writesAgain, writesUnconditionally } from './planted.ts';
import { simulate } from './scenario.ts';
import type { Happening, Manners } from './scenario.ts';
import type { Plant } from './simulation.ts';

const judged = async (happening?: Happening, plant?: Plant, manners?: Manners) =>
  breachesOf((await simulate(happening, plant, manners)).history);

const dies = (at: string): Happening => ({ at, fate: 'dies' });
const sleeps = (at: string): Happening => ({ at, fate: 'sleeps' });

type Planted = { readonly when?: Happening; readonly plant?: Plant; readonly manners?: Manners };

/** The bug is told by its rule, when that happens which brings it to light; and without the bug the same breaks nothing. */
const caught = async (rule: string, { when, plant, manners }: Planted): Promise<void> => {
  const found = await judged(when, plant, manners);
  assert.ok(
    found.some((breach) => breach.rule === rule),
    `not told as ${rule}:\n${tell(found)}`,
  );
  const innocent = await judged(when);
  assert.deepEqual(innocent, [], tell(innocent));
};

describe('the checker catches', () => {
  it('an API that acknowledges before it writes', () =>
    caught('lost', { when: dies('api store.append TaskSubmitted before'), plant: acknowledgesFirst }));

  it('a worker that writes without a condition after it has lost its task', () =>
    caught('attempts', { when: sleeps('worker agent.runTurn after'), plant: writesUnconditionally }));

  it('a client that takes silence for failure, and asks for the same under another key', () =>
    caught('once', { when: dies('api store.append TaskSubmitted after'), manners: { repeatsItsKey: false } }));

  it('a store that takes silence for failure, and writes the same again', () =>
    caught('attempts', { plant: writesAgain }));

  it('a relay that remembers before it announces', () =>
    caught('announced', { when: dies('projector bus.publish before'), plant: remembersFirst }));

  it('a row that does not follow its facts', () => caught('row', { plant: forgetsInTheRow }));

  it('a lock that is released without its token, and nothing where it is released with it', async () => {
    const judge = async (...how: Parameters<typeof sleepPastTheLease>) =>
      breachesOf({ operations: [], stored: await sleepPastTheLease(...how) });
    assert.deepEqual(await judge('its own token'), []);
    const rules = (await judge('whatever is held')).map(({ rule }) => rule);
    assert.ok(rules.includes('lock'), rules.join());
  });
});

describe('a death before or after any call of any service, in one process', () => {
  it('breaks no promise', async (t) => {
    const { points } = await simulate();
    const broken: string[] = [];
    for (const point of points) {
      const breaches = await judged(dies(point));
      if (breaches.length > 0) broken.push(`${point}:\n${tell(breaches)}`);
    }
    printCounts(t, { 'points died at': points.size, 'broken at': broken.length });
    assert.deepEqual(broken, []);
  });
});

describe('a worker that stands still before or after any of its calls, and wakes up when its tasks are others', () => {
  it('changes nothing any more', async (t) => {
    const { points } = await simulate();
    const ofWorker = [...points].filter((point) => point.startsWith('worker '));
    const broken: string[] = [];
    for (const point of ofWorker) {
      const breaches = await judged(sleeps(point));
      if (breaches.length > 0) broken.push(`${point}:\n${tell(breaches)}`);
    }
    printCounts(t, { 'points slept at': ofWorker.length, 'broken at': broken.length });
    assert.deepEqual(broken, []);
  });
});

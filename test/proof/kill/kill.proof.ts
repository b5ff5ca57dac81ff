import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { breachesOf, tell } from '#test/support/history.ts';
import { temporaryDir } from '#test/support/system.ts';
import { byEffort, chance, effort, printCounts } from '#test/proof/effort.ts';
import { serviceNames } from './control.ts';
import { countsOf, lateRescues } from './counts.ts';
import { runProgramme } from './programme.ts';

describe('kill -9 of api, worker, projector and of everything, at every point and at random', () => {
  it('breaks no promise, and what the dead held is in other hands within 45 s', async (t) => {
    await using data = await temporaryDir();
    await using control = await temporaryDir();
    const run = await runProgramme({
      ...{ dataDir: data.path, controlDir: control.path, chance },
      ...byEffort({
        ci: { findMs: 10_000, sweepMs: 75_000, triesMax: 1, randomKills: 3, killsMin: 62, treeKills: 1, everyMs: 700 },
        full: {
          findMs: 20_000,
          sweepMs: 1_800_000,
          triesMax: 4,
          randomKills: 100,
          killsMin: 1_000,
          treeKills: 20,
          everyMs: 500,
        },
      }),
    });
    printCounts(t, countsOf(run));
    for (const service of serviceNames) {
      const { missed } = run.swept[service];
      if (missed.length > 0) t.diagnostic(`not reached: ${missed.join(', ')}`);
    }
    const breaches = breachesOf(run.history);
    assert.deepEqual(breaches, [], tell(breaches));
    assert.deepEqual(lateRescues(run), []);
    const { atPoints, random, tree } = run.kills;
    assert.ok(atPoints + random + tree >= 60);
    if (effort === 'full')
      assert.deepEqual(
        serviceNames.flatMap((service) => [...run.swept[service].missed, ...run.swept[service].left]),
        [],
      );
  });
});

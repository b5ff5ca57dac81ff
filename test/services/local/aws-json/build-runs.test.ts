/** A build whose host died has an end all the same. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { it } from 'node:test';
import { BuildRuns } from '../../../../services/local/aws-json/build-runs.ts';
import { openBuilds } from '../../../../services/local/aws-json/builds.ts';
import type { Build } from '../../../../services/local/aws-json/builds.ts';
import type { BusEvent } from '../../../../services/local/aws-json/put-events.ts';

const build: Build = {
  ...{ id: 'p:1', arn: 'arn:aws:codebuild:us-east-1:000000000000:build/p:1', project: 'p', number: 1 },
  ...{ status: 'IN_PROGRESS', startMs: 1_000, variables: [], timeoutMinutes: 60, queuedTimeoutMinutes: 480 },
  phases: [
    { type: 'SUBMITTED', startMs: 1_000, endMs: 2_000, status: 'SUCCEEDED' },
    { type: 'BUILD', startMs: 2_000 },
  ],
  logPath: '/nowhere/build.log',
};

it('a build that was running when its host was killed is a fault, and told as one', () => {
  const db = new DatabaseSync(':memory:');
  const builds = openBuilds(db);
  builds.save(build);
  const told: BusEvent[] = [];
  const readSecret = () => '';
  new BuildRuns({ db, builds, readSecret, tell: (event) => void told.push(event), now: () => 9_000 });
  assert.deepEqual(builds.find('p:1'), {
    ...build,
    ...{ status: 'FAULT', endMs: 9_000 },
    phases: [
      { type: 'SUBMITTED', startMs: 1_000, endMs: 2_000, status: 'SUCCEEDED' },
      { type: 'BUILD', startMs: 2_000, endMs: 9_000, status: 'FAULT' },
      { type: 'COMPLETED', startMs: 9_000 },
    ],
  });
  assert.deepEqual(
    told.map(({ detailType, detail }) => [detailType, detail['completed-phase-status'] ?? detail['build-status']]),
    [
      ['CodeBuild Build Phase Change', 'FAULT'],
      ['CodeBuild Build State Change', 'FAULT'],
    ],
  );
});

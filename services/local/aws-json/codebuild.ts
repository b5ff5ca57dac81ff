/** CodeBuild: start, look at, stop and list builds. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { arnOf } from './arn.ts';
import { BuildRuns } from './build-runs.ts';
import type { BuildRunsOptions, Project } from './build-runs.ts';
import { apiBuild, stateChange } from './build-shapes.ts';
import { EnvironmentVariable } from './builds.ts';
import type { Build } from './builds.ts';
import { transaction } from './database.ts';
import { AwsFault, operation } from './server.ts';
import type { Operations } from './server.ts';

/** What says where and in what a build runs is accepted and has no effect: it runs here, in the project's program. */
const place = z.unknown().optional();
const StartBuild = z.strictObject({
  projectName: z.string().min(1),
  sourceVersion: z.string().optional(),
  environmentVariablesOverride: z.array(EnvironmentVariable).default([]),
  timeoutInMinutesOverride: z.int().min(5).max(2_160).default(60),
  queuedTimeoutInMinutesOverride: z.int().min(5).max(480).default(480),
  idempotencyToken: z.string().optional(),
  autoRetryLimitOverride: z.literal(0).optional(),
  debugSessionEnabled: z.literal(false).optional(),
  ...{ buildspecOverride: place, imageOverride: place, computeTypeOverride: place, serviceRoleOverride: place },
  ...{ sourceTypeOverride: place, sourceLocationOverride: place, sourceAuthOverride: place },
  ...{ gitCloneDepthOverride: place, cacheOverride: place, logsConfigOverride: place, artifactsOverride: place },
  ...{ reportBuildStatusOverride: place, buildStatusConfigOverride: place },
});
type StartBuild = z.infer<typeof StartBuild>;

export type CodeBuildOptions = BuildRunsOptions & {
  readonly region: string;
  /** By name; a build of any other is refused. */
  readonly projects: Readonly<Record<string, Project>>;
  /** Work directories and logs. */
  readonly directory: string;
};

const submit = (input: StartBuild, { builds, directory, now, region }: CodeBuildOptions): Build => {
  const uuid = randomUUID();
  const id = `${input.projectName}:${uuid}`;
  const startMs = now();
  const ownDirectory = join(directory, uuid);
  mkdirSync(ownDirectory, { recursive: true });
  return {
    ...{ id, arn: arnOf('codebuild', region, `build/${id}`), project: input.projectName },
    ...{ number: builds.nextNumber(input.projectName), status: 'IN_PROGRESS', startMs },
    phases: [{ type: 'SUBMITTED', startMs }],
    ...(input.sourceVersion === undefined ? {} : { sourceVersion: input.sourceVersion }),
    variables: input.environmentVariablesOverride,
    timeoutMinutes: input.timeoutInMinutesOverride,
    queuedTimeoutMinutes: input.queuedTimeoutInMinutesOverride,
    logPath: join(ownDirectory, 'build.log'),
  };
};

const invalid = (message: string) => new AwsFault('InvalidInputException', message);

const startBuild = (input: StartBuild, options: CodeBuildOptions, runs: BuildRuns): object => {
  const { builds, db, now, projects, tell } = options;
  const project = Object.hasOwn(projects, input.projectName) ? projects[input.projectName] : undefined;
  if (project === undefined) {
    throw new AwsFault('ResourceNotFoundException', `Project cannot be found: ${input.projectName}`);
  }
  const { idempotencyToken: token, ...asked } = input;
  const request = createHash('sha256').update(JSON.stringify(asked)).digest('hex');
  const earlier = token === undefined ? undefined : builds.byToken(token, now());
  if (earlier !== undefined) {
    if (earlier.request !== request) throw invalid('The idempotency token was used with other parameters.');
    return { build: apiBuild(need(builds.find(earlier.id), earlier.id)) };
  }
  const build = submit(input, options);
  transaction(db, () => {
    builds.save(build);
    if (token !== undefined) builds.keepToken(token, build.id, request, now());
    tell(stateChange(build, now()));
  });
  runs.start(build, project);
  return { build: apiBuild(build) };
};

const need = (build: Build | undefined, id: string): Build => {
  if (build === undefined) throw new AwsFault('ResourceNotFoundException', `Build cannot be found: ${id}`);
  return build;
};

/** The API takes `project:uuid`, and the ARN as well. */
const BuildId = z.string().transform((id) => id.replace(/^arn:.*:build\//, ''));

export const codeBuild = (options: CodeBuildOptions): AsyncDisposable & { readonly operations: Operations } => {
  const { builds } = options;
  const runs = new BuildRuns(options);
  const code = 'InvalidInputException';
  return {
    operations: {
      'CodeBuild_20161006.StartBuild': operation(StartBuild, (input) => startBuild(input, options, runs), code),
      'CodeBuild_20161006.BatchGetBuilds': operation(
        z.strictObject({ ids: z.array(BuildId).min(1).max(100) }),
        ({ ids }) => ({
          builds: ids.flatMap((id) => builds.find(id) ?? []).map(apiBuild),
          buildsNotFound: ids.filter((id) => builds.find(id) === undefined),
        }),
        code,
      ),
      'CodeBuild_20161006.StopBuild': operation(
        z.strictObject({ id: BuildId }),
        ({ id }) => {
          runs.stop(id);
          return { build: apiBuild(need(builds.find(id), id)) };
        },
        code,
      ),
      'CodeBuild_20161006.ListBuilds': operation(
        z.strictObject({ sortOrder: z.enum(['ASCENDING', 'DESCENDING']).default('DESCENDING') }),
        ({ sortOrder }) => ({ ids: sortOrder === 'DESCENDING' ? builds.ids() : builds.ids().toReversed() }),
        code,
      ),
    },
    [Symbol.asyncDispose]: () => runs[Symbol.asyncDispose](),
  };
};

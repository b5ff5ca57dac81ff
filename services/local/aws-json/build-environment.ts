/** The environment a build’s program gets, as CodeBuild sets it (AWS CodeBuild user guide, "Environment variables in build environments"). */
import { dirname } from 'node:path';
import { z } from 'zod';
import { initiator, resolvedVersion } from './build-shapes.ts';
import type { Build } from './builds.ts';
import { AwsFault } from './server.ts';

export type ReadSecret = (nameOrArn: string) => string;

const arnParts = 7;

/** `<name or ARN>[:<key of a JSON secret>]`; CodeBuild also knows a stage and a version after that. */
const resolveSecret = (reference: string, readSecret: ReadSecret): string => {
  const parts = reference.split(':');
  const idParts = reference.startsWith('arn:') ? arnParts : 1;
  const [key, ...rest] = parts.slice(idParts);
  if (rest.some((part) => part !== '')) {
    throw new AwsFault('InvalidInputException', `${reference}: a stage or version of a secret is not offered here`);
  }
  const value = readSecret(parts.slice(0, idParts).join(':'));
  if (key === undefined || key === '') return value;
  const field = z.record(z.string(), z.unknown()).parse(JSON.parse(value))[key];
  if (typeof field !== 'string') throw new AwsFault('InvalidInputException', `${reference}: no such key`);
  return field;
};

/** `sourceDir` is where the build works. Throws `AwsFault` when a variable cannot be resolved. */
export const buildEnvironment = (build: Build, sourceDir: string, readSecret: ReadSecret): Record<string, string> => {
  const variables = build.variables.map(({ name, value, type }) => {
    if (type === 'PARAMETER_STORE') {
      throw new AwsFault('InvalidInputException', `${name}: the parameter store is not offered here`);
    }
    return [name, type === 'SECRETS_MANAGER' ? resolveSecret(value, readSecret) : value] as const;
  });
  return {
    HOME: dirname(sourceDir),
    ...Object.fromEntries(variables),
    CODEBUILD_BUILD_ID: build.id,
    CODEBUILD_BUILD_ARN: build.arn,
    CODEBUILD_BUILD_NUMBER: String(build.number),
    CODEBUILD_BUILD_SUCCEEDING: '1',
    CODEBUILD_INITIATOR: initiator,
    CODEBUILD_SOURCE_VERSION: build.sourceVersion ?? '',
    CODEBUILD_RESOLVED_SOURCE_VERSION: resolvedVersion(build) ?? '',
    CODEBUILD_SRC_DIR: sourceDir,
    CODEBUILD_LOG_PATH: build.logPath,
    CODEBUILD_START_TIME: String(build.startMs),
  };
};

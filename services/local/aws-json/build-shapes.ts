/** A build as the API answers it and as EventBridge tells of it; the two are written quite differently. */
import { dirname } from 'node:path';
import type { Build, Phase } from './builds.ts';
import type { BusEvent, Detail } from './put-events.ts';

const seconds = (ms: number): number => ms / 1000;
const durationSeconds = ({ startMs, endMs }: Phase): number => Math.round(seconds((endMs ?? startMs) - startMs));

export const currentPhase = ({ phases }: Build): string => phases.at(-1)?.type ?? '';

/** A commit is what it is; a branch or tag would have to be looked up, and there is nothing here to look it up in. */
export const resolvedVersion = ({ sourceVersion = '' }: Build): string | undefined =>
  /^[0-9a-f]{40}$/.test(sourceVersion) ? sourceVersion : undefined;

const apiPhase = (phase: Phase): object => ({
  phaseType: phase.type,
  startTime: seconds(phase.startMs),
  ...(phase.endMs === undefined
    ? {}
    : { endTime: seconds(phase.endMs), durationInSeconds: durationSeconds(phase), phaseStatus: phase.status }),
});

const logsOf = ({ logPath, id }: Build) => ({
  groupName: dirname(logPath),
  streamName: id.slice(id.indexOf(':') + 1),
  deepLink: `file://${logPath}`,
});

export const apiBuild = (build: Build): object => ({
  ...{ id: build.id, arn: build.arn, buildNumber: build.number, projectName: build.project },
  ...{ buildStatus: build.status, currentPhase: currentPhase(build), buildComplete: build.endMs !== undefined },
  startTime: seconds(build.startMs),
  endTime: build.endMs === undefined ? undefined : seconds(build.endMs),
  ...{ sourceVersion: build.sourceVersion, resolvedSourceVersion: resolvedVersion(build) },
  phases: build.phases.map(apiPhase),
  environment: { environmentVariables: build.variables },
  logs: logsOf(build),
  timeoutInMinutes: build.timeoutMinutes,
  queuedTimeoutInMinutes: build.queuedTimeoutMinutes,
  initiator,
});

export const initiator = 'kiro-dispatch';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const two = (n: number): string => String(n).padStart(2, '0');

/** `Sep 1, 2017 4:12:29 PM`, UTC: the way these events write a time. */
export const eventTime = (ms: number): string => {
  const at = new Date(ms);
  const hour = at.getUTCHours();
  const clock = [String(hour % 12 || 12), two(at.getUTCMinutes()), two(at.getUTCSeconds())].join(':');
  const day = `${months[at.getUTCMonth()] ?? ''} ${at.getUTCDate()}, ${at.getUTCFullYear()}`;
  return `${day} ${clock} ${hour < 12 ? 'AM' : 'PM'}`;
};

const eventPhase = (phase: Phase): object => ({
  'phase-type': phase.type,
  'start-time': eventTime(phase.startMs),
  ...(phase.endMs === undefined
    ? {}
    : {
        'phase-context': [],
        'phase-status': phase.status,
        'end-time': eventTime(phase.endMs),
        'duration-in-seconds': durationSeconds(phase),
      }),
});

const additionalInformation = (build: Build): Detail => {
  const { groupName, streamName, deepLink } = logsOf(build);
  return {
    ...{ 'build-number': build.number, 'build-complete': build.endMs !== undefined, initiator },
    'build-start-time': eventTime(build.startMs),
    'timeout-in-minutes': build.timeoutMinutes,
    'queued-timeout-in-minutes': build.queuedTimeoutMinutes,
    source: { type: 'NO_SOURCE' },
    ...(build.sourceVersion === undefined ? {} : { 'source-version': build.sourceVersion }),
    environment: {
      ...{ image: 'local', 'compute-type': 'BUILD_GENERAL1_SMALL', type: 'LINUX_CONTAINER', 'privileged-mode': false },
      'environment-variables': build.variables,
    },
    logs: { 'group-name': groupName, 'stream-name': streamName, 'deep-link': deepLink },
    cache: { type: 'NO_CACHE' },
    artifact: { location: '' },
    phases: build.phases.map(eventPhase),
  };
};

const event = (build: Build, detailType: string, atMs: number, detail: Detail): BusEvent => ({
  ...{ source: 'aws.codebuild', detailType, atMs, resources: [build.arn] },
  detail: {
    ...detail,
    ...{ 'project-name': build.project, 'build-id': build.arn, version: '1' },
    'additional-information': additionalInformation(build),
  },
});

export const stateChange = (build: Build, atMs: number): BusEvent =>
  event(build, 'CodeBuild Build State Change', atMs, {
    'build-status': build.status,
    'current-phase': currentPhase(build),
    'current-phase-context': '[]',
  });

export const phaseChange = (build: Build, phase: Phase, atMs: number): BusEvent =>
  event(build, 'CodeBuild Build Phase Change', atMs, {
    'completed-phase': phase.type,
    'completed-phase-status': phase.status,
    'completed-phase-context': '[]',
    'completed-phase-duration-seconds': durationSeconds(phase),
    'completed-phase-start': eventTime(phase.startMs),
    'completed-phase-end': eventTime(phase.endMs ?? phase.startMs),
  });

/** The CodeBuild stand-in: builds are real programs, told of as CodeBuild tells of them. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  BatchGetBuildsCommand,
  CodeBuildClient,
  InvalidInputException,
  ListBuildsCommand,
  ResourceNotFoundException,
  StartBuildCommand,
  StopBuildCommand,
} from '@aws-sdk/client-codebuild';
import type { Build, StartBuildCommandInput } from '@aws-sdk/client-codebuild';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import { silent } from '#platform/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { carriersOf, until } from '#test/support/processes.ts';
import { startAwsJson } from '../../../../services/local/aws-json/start.ts';
import { startQueues } from '../../../../services/local/queues.ts';

const region = 'us-east-1';
const shell = (script: string) => ({
  command: ['sh', '-c', script] as const,
  env: { PATH: process.env['PATH'] ?? '' },
});
const projects = {
  good: shell('echo from the build; env; pwd'),
  bad: shell('exit 3'),
  // Says in a file that it runs, and has a child in a session of its own that would outlive it.
  slow: shell('setsid sleep 600 & touch running; wait'),
  missing: { command: ['/nowhere/program'] as const, env: {} },
};

const open = async (directory: string, minuteMs = 60_000) => {
  await using opened = new AsyncDisposableStack();
  const queues = opened.use(await startQueues({ region }));
  const json = await startAwsJson({
    ...{ region, queuesEndpoint: queues.endpoint, log: silent, file: join(directory, 'aws-json.db') },
    builds: { projects, directory: join(directory, 'builds'), minuteMs },
  });
  opened.use(json);
  const config = { endpoint: json.endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const client = new CodeBuildClient(config);
  const start = async (input: StartBuildCommandInput): Promise<Build> => {
    const { build } = await client.send(new StartBuildCommand(input));
    assert.ok(build);
    return build;
  };
  const find = async ({ id = '' }: Build): Promise<Build | undefined> =>
    (await client.send(new BatchGetBuildsCommand({ ids: [id] }))).builds?.[0];
  /** The build once it is over. */
  const ended = (build: Build): Promise<Build> =>
    eventually(
      async () => {
        const found = await find(build);
        return found?.buildComplete ? found : undefined;
      },
      `${build.id ?? ''} did not end`,
    );
  const held = opened.move();
  return {
    ...{ client, start, find, ended },
    sqs: new SQSClient({ ...config, endpoint: queues.endpoint }),
    bus: new EventBridgeClient(config),
    secrets: new SecretsManagerClient(config),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
};

const logOf = (build: Build): Promise<string> => readFile(new URL(build.logs?.deepLink ?? ''), 'utf8');
const phasesOf = ({ phases = [] }: Build) => phases.map(({ phaseType, phaseStatus }) => [phaseType, phaseStatus]);
const withDirectory = () => mkdtempDisposable(join(tmpdir(), 'codebuild-'));
const isRunning = (directory: string, build: Build): boolean =>
  existsSync(join(directory, 'builds', build.id?.split(':')[1] ?? '', 'src', 'running'));

describe('a build', () => {
  it('runs the program of its project with the variables CodeBuild sets, and succeeds', async () => {
    await using directory = await withDirectory();
    await using aws = await open(directory.path);
    await aws.secrets.send(new CreateSecretCommand({ Name: 'kiro/ci', SecretString: '{"api_key":"hidden"}' }));
    const sourceVersion = 'a'.repeat(40);
    const started = await aws.start({
      ...{ projectName: 'good', sourceVersion },
      environmentVariablesOverride: [
        { name: 'BRANCH', value: 'feature/x' },
        { name: 'KIRO_API_KEY', value: 'kiro/ci:api_key', type: 'SECRETS_MANAGER' },
      ],
    });
    assert.equal(started.buildStatus, 'IN_PROGRESS');
    const build = await aws.ended(started);
    assert.equal(build.buildStatus, 'SUCCEEDED');
    assert.equal(build.resolvedSourceVersion, sourceVersion);
    assert.deepEqual(phasesOf(build), [
      ...['SUBMITTED', 'QUEUED', 'PROVISIONING', 'BUILD', 'FINALIZING'].map((phase) => [phase, 'SUCCEEDED']),
      ['COMPLETED', undefined],
    ]);
    const log = await logOf(build);
    for (const line of [
      'from the build',
      'BRANCH=feature/x',
      'KIRO_API_KEY=hidden',
      `CODEBUILD_BUILD_ID=${build.id ?? ''}`,
      `CODEBUILD_BUILD_ARN=${build.arn ?? ''}`,
      'CODEBUILD_BUILD_NUMBER=1',
      `CODEBUILD_RESOLVED_SOURCE_VERSION=${sourceVersion}`,
    ]) {
      assert.ok(log.split('\n').includes(line), line);
    }
    assert.match(log, /^CODEBUILD_SRC_DIR=(.+)$/m);
    assert.equal(/^CODEBUILD_SRC_DIR=(.+)$/m.exec(log)?.[1], log.trim().split('\n').at(-1));
    assert.equal(log.includes('HOSTNAME') || log.includes('USER='), false, 'the environment is ours');
  });

  for (const [sentence, projectName, status, phase] of [
    ['whose program exits with another code than 0 has failed', 'bad', 'FAILED', 'FAILED'],
    ['whose program cannot be started has failed', 'missing', 'FAILED', 'FAILED'],
  ] as const) {
    it(sentence, async () => {
      await using directory = await withDirectory();
      await using aws = await open(directory.path);
      const build = await aws.ended(await aws.start({ projectName }));
      assert.equal(build.buildStatus, status);
      assert.deepEqual(phasesOf(build).slice(-2), [
        ['BUILD', phase],
        ['COMPLETED', undefined],
      ]);
    });
  }

  it('whose secret is not there has failed before its program began, and says so in its log', async () => {
    await using directory = await withDirectory();
    await using aws = await open(directory.path);
    const environmentVariablesOverride = [{ name: 'KEY', value: 'gone', type: 'SECRETS_MANAGER' as const }];
    const build = await aws.ended(await aws.start({ projectName: 'good', environmentVariablesOverride }));
    assert.deepEqual(phasesOf(build).at(-2), ['PROVISIONING', 'FAILED']);
    assert.match(await logOf(build), /can't find the specified secret/);
  });

  it('that is stopped ends with everything it started', async () => {
    await using directory = await withDirectory();
    await using aws = await open(directory.path);
    const started = await aws.start({ projectName: 'slow' });
    await until(() => isRunning(directory.path, started), 'the build did not start');
    assert.equal(carriersOf(started.id ?? '').length > 0, true);
    await aws.client.send(new StopBuildCommand({ id: started.id }));
    const build = await aws.ended(started);
    assert.equal(build.buildStatus, 'STOPPED');
    assert.deepEqual(carriersOf(started.id ?? ''), []);
  });

  it('that takes longer than its limit is ended as timed out', async () => {
    await using directory = await withDirectory();
    await using aws = await open(directory.path, 20);
    const started = await aws.start({ projectName: 'slow', timeoutInMinutesOverride: 10 });
    assert.equal((await aws.ended(started)).buildStatus, 'TIMED_OUT');
    assert.deepEqual(carriersOf(started.id ?? ''), []);
  });

  it('in progress when its host ends is a fault, and the next start says so', async () => {
    await using directory = await withDirectory();
    let started: Build;
    {
      await using aws = await open(directory.path);
      started = await aws.start({ projectName: 'slow' });
      await until(() => isRunning(directory.path, started), 'the build did not start');
    }
    assert.deepEqual(carriersOf(started.id ?? ''), []);
    await using aws = await open(directory.path);
    assert.equal((await aws.find(started))?.buildStatus, 'FAULT');
  });

  it('is started once per idempotency token, and the token is refused for another build', async () => {
    await using directory = await withDirectory();
    await using aws = await open(directory.path);
    const input = { projectName: 'good', sourceVersion: 'main', idempotencyToken: 'item-1' };
    const first = await aws.start(input);
    assert.equal((await aws.start(input)).id, first.id);
    await assert.rejects(aws.start({ ...input, sourceVersion: 'other' }), InvalidInputException);
    const other = await aws.start({ ...input, idempotencyToken: 'item-2' });
    assert.notEqual(other.id, first.id);
    assert.equal(other.buildNumber, 2);
    const { ids } = await aws.client.send(new ListBuildsCommand({}));
    assert.deepEqual(ids, [other.id, first.id]);
  });

  it('of a project that is not there is refused, and one that is not there is told apart', async () => {
    await using directory = await withDirectory();
    await using aws = await open(directory.path);
    await assert.rejects(aws.start({ projectName: 'nothing' }), ResourceNotFoundException);
    const { builds, buildsNotFound } = await aws.client.send(new BatchGetBuildsCommand({ ids: ['good:x'] }));
    assert.deepEqual({ builds, buildsNotFound }, { builds: [], buildsNotFound: ['good:x'] });
  });
});

const Event = jsonText(
  z.looseObject({
    'detail-type': z.string(),
    resources: z.array(z.string()),
    detail: z.record(z.string(), z.unknown()),
  }),
);

describe('the events of a build', () => {
  it('tell its start, each completed phase and its end on the default bus, in the shapes of CodeBuild', async () => {
    await using directory = await withDirectory();
    await using aws = await open(directory.path);
    const { QueueUrl } = await aws.sqs.send(new CreateQueueCommand({ QueueName: 'builds' }));
    const EventPattern = JSON.stringify({ source: ['aws.codebuild'], detail: { 'project-name': ['good'] } });
    await aws.bus.send(new PutRuleCommand({ Name: 'builds', EventPattern }));
    const Targets = [{ Id: 't', Arn: `arn:aws:sqs:${region}:000000000000:builds` }];
    await aws.bus.send(new PutTargetsCommand({ Rule: 'builds', Targets }));
    const build = await aws.ended(await aws.start({ projectName: 'good', sourceVersion: 'main' }));
    const events: z.infer<typeof Event>[] = [];
    while (events.length < 7) {
      const request = { QueueUrl, WaitTimeSeconds: 5, MaxNumberOfMessages: 10 };
      const { Messages } = await aws.sqs.send(new ReceiveMessageCommand(request));
      assert.ok(Messages, `${events.length} of 7 events came`);
      events.push(...Messages.map(({ Body }) => Event.parse(Body)));
    }
    const states = events.filter((event) => event['detail-type'] === 'CodeBuild Build State Change');
    const phases = events.filter((event) => event['detail-type'] === 'CodeBuild Build Phase Change');
    assert.deepEqual(states.map(({ detail }) => [detail['build-status'], detail['current-phase']]).toSorted(), [
      ['IN_PROGRESS', 'SUBMITTED'],
      ['SUCCEEDED', 'COMPLETED'],
    ]);
    assert.deepEqual(
      phases.map(({ detail }) => detail['completed-phase']).toSorted(),
      ['BUILD', 'FINALIZING', 'PROVISIONING', 'QUEUED', 'SUBMITTED'].toSorted(),
    );
    for (const { resources, detail } of events) {
      // The id in an event is the ARN; the API wants what follows `build/`.
      assert.deepEqual([resources, detail['build-id'], detail['version']], [[build.arn], build.arn, '1']);
    }
    const last = states.find(({ detail }) => detail['build-status'] === 'SUCCEEDED');
    const information = z.record(z.string(), z.unknown()).parse(last?.detail['additional-information']);
    assert.equal(information['build-complete'], true);
    assert.match(String(information['build-start-time']), /^[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d{2}:\d{2} [AP]M$/);
    const told = z.array(z.record(z.string(), z.unknown())).parse(information['phases']);
    assert.deepEqual(Object.keys(told.at(-1) ?? {}), ['phase-type', 'start-time']);
  });
});

/** The environment of a service leads every SDK client here, and none to a person's own account. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { startAws } from '#test/support/aws.ts';
import type { Aws } from '#test/support/aws.ts';
import { readLocalConfig } from '../../../services/local/config.ts';
import { serviceEnvironment } from '../../../services/local/environment.ts';

const program = new URL('programs/clients.ts', import.meta.url).pathname;

describe('the environment of a service', () => {
  let aws: Aws;
  before(async () => {
    aws = await startAws();
  });
  after(() => aws[Symbol.asyncDispose]());

  const environment = (own: NodeJS.ProcessEnv) =>
    serviceEnvironment(own, readLocalConfig(own, []), aws.endpoints, 'agent');

  it('leads clients that were told nothing to the embedded servers, whatever the person has configured', async () => {
    await using home = await mkdtempDisposable(join(tmpdir(), 'home-'));
    await mkdir(join(home.path, '.aws'));
    // With such a setting the SDK refuses to talk to any address but AWS's own.
    await writeFile(join(home.path, '.aws', 'config'), '[default]\nuse_fips_endpoint = true\n');
    const own = {
      PATH: process.env['PATH'],
      HOME: home.path,
      RESOURCE_PREFIX: aws.env['RESOURCE_PREFIX'],
      AWS_PROFILE: 'production',
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_SQS: 'https://sqs.eu-central-1.amazonaws.com',
      AWS_SESSION_TOKEN: 'real',
    };
    const { stdout } = await promisify(execFile)(process.execPath, [program], { env: environment(own) });
    assert.deepEqual(JSON.parse(stdout), {
      dynamodb: 'answered',
      sqs: 'answered',
      sns: 'answered',
      s3: 'answered',
      eventBridge: 'answered',
      codeBuild: 'answered',
      secretsManager: 'ResourceNotFoundException',
    });
  });

  it('hands on what the person has set, but for what is decided here', () => {
    const own = {
      KIRO_API_KEY: 'k',
      SESSIONS_MAX: '2',
      API_HOST: '0.0.0.0',
      WORKER_HEALTH_PORT: '9000',
      DATA_DIR: '/d',
    };
    const given = environment(own);
    assert.deepEqual(
      [
        'KIRO_API_KEY',
        'SESSIONS_MAX',
        'API_HOST',
        'API_PORT',
        'WORKER_HEALTH_PORT',
        'PROJECTOR_HEALTH_PORT',
        'DATA_DIR',
      ].map((name) => given[name]),
      ['k', '2', '127.0.0.1', '8081', '9000', '0', '/d'],
    );
    assert.deepEqual([given['RESOURCE_PREFIX'], given['ARTIFACTS_BUCKET']], ['kiro', 'kiro-artifacts']);
  });
});

/** The Secrets Manager stand-in, asked by the SDK. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  InvalidRequestException,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { silent } from '#platform/log.ts';
import { startAwsJson } from '../../../../services/local/aws-json/start.ts';

const nowhere = 'http://127.0.0.1:1';

type Vault = AsyncDisposable & Pick<SecretsManagerClient, 'send'>;

const open = async (file?: string): Promise<Vault> => {
  const json = await startAwsJson({
    ...{ region: 'us-east-1', queuesEndpoint: nowhere, log: silent, builds: { projects: {}, directory: tmpdir() } },
    ...(file === undefined ? {} : { file }),
  });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SecretsManagerClient({ endpoint: json.endpoint, region: 'us-east-1', credentials });
  return Object.assign(client, { [Symbol.asyncDispose]: () => json[Symbol.asyncDispose]() });
};

const SecretId = 'kiro/api-key';

describe('a secret', () => {
  it('is read by its name and by its ARN, and the value before the current one stays readable', async () => {
    await using vault = await open();
    const created = await vault.send(new CreateSecretCommand({ Name: SecretId, SecretString: 'first' }));
    assert.match(created.ARN ?? '', /^arn:aws:secretsmanager:us-east-1:000000000000:secret:kiro\/api-key-\w{6}$/);
    const put = await vault.send(new PutSecretValueCommand({ SecretId, SecretString: 'second' }));
    for (const id of [SecretId, created.ARN]) {
      const { SecretString, VersionId, VersionStages } = await vault.send(new GetSecretValueCommand({ SecretId: id }));
      assert.deepEqual(
        { SecretString, VersionId, VersionStages },
        { SecretString: 'second', VersionId: put.VersionId, VersionStages: ['AWSCURRENT'] },
      );
    }
    const before = await vault.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSPREVIOUS' }));
    assert.equal(before.SecretString, 'first');
    const oldest = await vault.send(new GetSecretValueCommand({ SecretId, VersionId: created.VersionId }));
    assert.equal(oldest.SecretString, 'first');
    const { VersionIdsToStages } = await vault.send(new DescribeSecretCommand({ SecretId }));
    assert.deepEqual(VersionIdsToStages, {
      [created.VersionId ?? '']: ['AWSPREVIOUS'],
      [put.VersionId ?? '']: ['AWSCURRENT'],
    });
  });

  it('put again by the same request stays as it is; the same version with another value is refused', async () => {
    await using vault = await open();
    const ClientRequestToken = 'a'.repeat(32);
    const create = { Name: SecretId, SecretString: 'one', ClientRequestToken };
    const first = await vault.send(new CreateSecretCommand(create));
    const again = await vault.send(new CreateSecretCommand(create));
    assert.deepEqual([again.ARN, again.VersionId], [first.ARN, first.VersionId]);
    const other = new PutSecretValueCommand({ SecretId, SecretString: 'two', ClientRequestToken });
    await assert.rejects(vault.send(other), ResourceExistsException);
    const anew = new CreateSecretCommand({ Name: SecretId, SecretString: 'two' });
    await assert.rejects(vault.send(anew), ResourceExistsException);
    assert.equal((await vault.send(new GetSecretValueCommand({ SecretId }))).SecretString, 'one');
  });

  it('that was deleted cannot be read; by force, it can be made anew', async () => {
    await using vault = await open();
    const get = () => vault.send(new GetSecretValueCommand({ SecretId }));
    await assert.rejects(get(), ResourceNotFoundException);
    await vault.send(new CreateSecretCommand({ Name: SecretId, SecretString: 'x' }));
    await vault.send(new DeleteSecretCommand({ SecretId }));
    await assert.rejects(get(), InvalidRequestException);
    assert.ok((await vault.send(new DescribeSecretCommand({ SecretId }))).DeletedDate);
    await vault.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true }));
    await assert.rejects(get(), ResourceNotFoundException);
    await vault.send(new CreateSecretCommand({ Name: SecretId, SecretString: 'y' }));
    assert.equal((await get()).SecretString, 'y');
  });

  it('survives a restart in files that only their owner may read', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'secrets-'));
    const file = join(directory.path, 'aws-json.db');
    const SecretString = 'a value that is easily found';
    {
      await using vault = await open(file);
      await vault.send(new CreateSecretCommand({ Name: SecretId, SecretString }));
      const files = await readdir(directory.path);
      const holding = await Promise.all(files.map(async (name) => readFile(join(directory.path, name), 'latin1')));
      assert.ok(holding.some((text) => text.includes(SecretString)));
      for (const name of files) assert.equal((await stat(join(directory.path, name))).mode & 0o777, 0o600, name);
    }
    await using vault = await open(file);
    assert.equal((await vault.send(new GetSecretValueCommand({ SecretId }))).SecretString, SecretString);
  });
});

/** Secrets Manager: the few operations that a deployment and its services use. */
import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { arnOf } from './arn.ts';
import { transaction } from './database.ts';
import { AwsFault, operation } from './server.ts';
import type { Operations } from './server.ts';

const sql = `
  CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, arn TEXT, created REAL, changed REAL, deleted REAL);
  CREATE TABLE IF NOT EXISTS secret_versions (
    secret TEXT, id TEXT, value TEXT, stage TEXT, created REAL, PRIMARY KEY (secret, id));`;

/** Times are seconds since 1970, as the wire wants them. */
const Secret = z.object({
  name: z.string(),
  arn: z.string(),
  created: z.number(),
  changed: z.number(),
  deleted: z.number().nullable(),
});
type Secret = z.infer<typeof Secret>;

const Version = z.object({
  id: z.string(),
  value: z.string(),
  stage: z.enum(['AWSCURRENT', 'AWSPREVIOUS']).nullable(),
  created: z.number(),
});

type Vault = {
  readonly find: (nameOrArn: string) => Secret | undefined;
  readonly add: (name: string, arn: string, at: number) => Secret;
  readonly versions: (secret: Secret) => readonly z.infer<typeof Version>[];
  readonly putVersion: (secret: Secret, id: string, value: string, at: number) => void;
  readonly markDeleted: (secret: Secret, at: number) => void;
  readonly forget: (secret: Secret) => void;
};

const openVault = (db: DatabaseSync): Vault => {
  db.exec(sql);
  const moveStage = db.prepare('UPDATE secret_versions SET stage = ? WHERE secret = ? AND stage = ?');
  return {
    find: (nameOrArn) =>
      Secret.optional().parse(db.prepare('SELECT * FROM secrets WHERE ? IN (name, arn)').get(nameOrArn)),
    add: (name, arn, at) =>
      Secret.parse(db.prepare('INSERT INTO secrets VALUES (?, ?, ?, ?, NULL) RETURNING *').get(name, arn, at, at)),
    versions: ({ name }) =>
      db
        .prepare('SELECT * FROM secret_versions WHERE secret = ?')
        .all(name)
        .map((row) => Version.parse(row)),
    putVersion: ({ name }, id, value, at) =>
      transaction(db, () => {
        moveStage.run(null, name, 'AWSPREVIOUS');
        moveStage.run('AWSPREVIOUS', name, 'AWSCURRENT');
        db.prepare("INSERT INTO secret_versions VALUES (?, ?, ?, 'AWSCURRENT', ?)").run(name, id, value, at);
        db.prepare('UPDATE secrets SET changed = ? WHERE name = ?').run(at, name);
      }),
    markDeleted: ({ name }, at) => db.prepare('UPDATE secrets SET deleted = ? WHERE name = ?').run(at, name),
    forget: ({ name }) =>
      transaction(db, () => {
        db.prepare('DELETE FROM secret_versions WHERE secret = ?').run(name);
        db.prepare('DELETE FROM secrets WHERE name = ?').run(name);
      }),
  };
};

const SecretId = z.string().min(1);
const put = { SecretString: z.string().min(1), ClientRequestToken: z.string().min(1) };

/** A repeated request finds its version there and changes nothing. */
const putOnce = (vault: Vault, secret: Secret, id: string, value: string, at: number): object => {
  const known = vault.versions(secret).find((version) => version.id === id);
  if (known === undefined) vault.putVersion(secret, id, value, at);
  else if (known.value !== value) {
    throw new AwsFault('ResourceExistsException', `Version ${id} of ${secret.name} exists with another value.`);
  }
  return { ARN: secret.arn, Name: secret.name, VersionId: id };
};

const need = (vault: Vault, nameOrArn: string): Secret => {
  const secret = vault.find(nameOrArn);
  if (secret === undefined) {
    throw new AwsFault('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }
  return secret;
};

const needAlive = (vault: Vault, nameOrArn: string): Secret => {
  const secret = need(vault, nameOrArn);
  if (secret.deleted !== null) {
    throw new AwsFault('InvalidRequestException', 'The secret was marked for deletion.');
  }
  return secret;
};

/** The current value, or the version asked for. For builds, which name secrets in their environment, and for GetSecretValue. */
const readVersion = (vault: Vault, secret: Secret, id: string | undefined, stage: string | undefined) => {
  const wanted = stage ?? (id === undefined ? 'AWSCURRENT' : undefined);
  const version = vault
    .versions(secret)
    .find((one) => (id === undefined || one.id === id) && (wanted === undefined || one.stage === wanted));
  if (version === undefined) {
    throw new AwsFault('ResourceNotFoundException', "Secrets Manager can't find the specified secret value.");
  }
  return version;
};

const stagesOf = (stage: string | null): readonly string[] => (stage === null ? [] : [stage]);

const valueOperations = (vault: Vault, region: string, seconds: () => number): Operations => ({
  'secretsmanager.CreateSecret': operation(z.strictObject({ Name: z.string().min(1), ...put }), (input) => {
    const known = vault.find(input.Name);
    if (known !== undefined && !vault.versions(known).some(({ id }) => id === input.ClientRequestToken)) {
      throw new AwsFault('ResourceExistsException', `The secret ${input.Name} already exists.`);
    }
    const suffix = randomBytes(3).toString('hex');
    const arn = arnOf('secretsmanager', region, `secret:${input.Name}-${suffix}`);
    const secret = known ?? vault.add(input.Name, arn, seconds());
    return putOnce(vault, secret, input.ClientRequestToken, input.SecretString, seconds());
  }),
  'secretsmanager.PutSecretValue': operation(z.strictObject({ SecretId, ...put }), (input) =>
    putOnce(vault, needAlive(vault, input.SecretId), input.ClientRequestToken, input.SecretString, seconds()),
  ),
  'secretsmanager.GetSecretValue': operation(
    z.strictObject({ SecretId, VersionId: z.string().optional(), VersionStage: z.string().optional() }),
    (input) => {
      const secret = needAlive(vault, input.SecretId);
      const { id, value, stage, created } = readVersion(vault, secret, input.VersionId, input.VersionStage);
      return {
        ...{ ARN: secret.arn, Name: secret.name, CreatedDate: created },
        ...{ VersionId: id, SecretString: value, VersionStages: stagesOf(stage) },
      };
    },
  ),
});

const lifeOperations = (vault: Vault, seconds: () => number): Operations => ({
  'secretsmanager.DescribeSecret': operation(z.strictObject({ SecretId }), (input) => {
    const secret = need(vault, input.SecretId);
    return {
      ...{ ARN: secret.arn, Name: secret.name, CreatedDate: secret.created, LastChangedDate: secret.changed },
      ...(secret.deleted === null ? {} : { DeletedDate: secret.deleted }),
      VersionIdsToStages: Object.fromEntries(vault.versions(secret).map(({ id, stage }) => [id, stagesOf(stage)])),
    };
  }),
  'secretsmanager.DeleteSecret': operation(
    z.strictObject({
      SecretId,
      RecoveryWindowInDays: z.int().min(7).max(30).default(30),
      ForceDeleteWithoutRecovery: z.boolean().default(false),
    }),
    (input) => {
      const secret = need(vault, input.SecretId);
      if (input.ForceDeleteWithoutRecovery) vault.forget(secret);
      else vault.markDeleted(secret, seconds());
      const windowSeconds = input.ForceDeleteWithoutRecovery ? 0 : input.RecoveryWindowInDays * 86_400;
      return { ARN: secret.arn, Name: secret.name, DeletionDate: seconds() + windowSeconds };
    },
  ),
});

export type Secrets = {
  readonly operations: Operations;
  /** The current value; throws as GetSecretValue does. */
  readonly read: (nameOrArn: string) => string;
};

export const secretsManager = (db: DatabaseSync, region: string, now: () => number): Secrets => {
  const vault = openVault(db);
  const seconds = () => now() / 1000;
  return {
    operations: { ...valueOperations(vault, region, seconds), ...lifeOperations(vault, seconds) },
    read: (nameOrArn) => readVersion(vault, needAlive(vault, nameOrArn), undefined, undefined).value,
  };
};

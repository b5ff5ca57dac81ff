/** The tables: keys, indexes and expiry, as the local provisioning and the tests make them; Terraform says the same for AWS. */
import {
  CreateTableCommand,
  DescribeTimeToLiveCommand,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import type {
  AttributeDefinition,
  DynamoDBClient,
  GlobalSecondaryIndex,
  KeySchemaElement,
} from '@aws-sdk/client-dynamodb';
import { streamKinds } from '#events/envelope.ts';
import { keyFieldOf } from '../append-check.ts';
import type { Names } from '../names.ts';

const tableKeys = ['events', 'runtime', ...streamKinds] as const satisfies readonly (keyof Names['tables'])[];
export type TableKey = (typeof tableKeys)[number];
/** The fields of a key and their types; the first is the partition key, the second the sort key. */
type Key = Readonly<Record<string, 'S' | 'N'>>;
export type TableIndex = { readonly name: string; readonly key: Key; readonly includes: readonly string[] };
export type TableShape = {
  readonly key: Key;
  readonly indexes?: readonly TableIndex[];
  /** The attribute after whose time (seconds since 1970) DynamoDB may delete an item, if it has one. */
  readonly expiry?: 'expiresAt';
};

/**
 * An index holds the keys and the one field the other index is made of. Lists decide on that and fetch the rows from the
 * table: a task's progress, four appends a second, then writes no index, and a list never shows an outdated row.
 */
export const indexes = {
  status: { name: 'status-createdAt-index', key: { status: 'S', createdAt: 'N' }, includes: ['owner'] },
  owner: { name: 'owner-createdAt-index', key: { owner: 'S', createdAt: 'N' }, includes: ['status'] },
} as const satisfies Record<string, TableIndex>;

export const tableShapes: Readonly<Record<TableKey, TableShape>> = {
  /** Only dedupe items expire: facts stay. */
  events: { key: { pk: 'S', sk: 'N' }, expiry: 'expiresAt' },
  task: { key: { [keyFieldOf('task')]: 'S', createdAt: 'N' }, indexes: [indexes.status, indexes.owner] },
  /** There is at least one for every few tasks, so they are listed as tasks are. */
  session: { key: { [keyFieldOf('session')]: 'S' }, indexes: [indexes.status, indexes.owner] },
  /** No row expires: a stream whose row DynamoDB deleted could not be appended to again. */
  lock: { key: { [keyFieldOf('lock')]: 'S' } },
  build: { key: { [keyFieldOf('build')]: 'S' } },
  account: { key: { [keyFieldOf('account')]: 'S' } },
  runtime: { key: { pk: 'S', sk: 'S' }, expiry: 'expiresAt' },
};

const keySchema = (key: Key): KeySchemaElement[] =>
  Object.keys(key).map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' }));

const indexSchema = ({ name, key, includes }: TableIndex): GlobalSecondaryIndex => ({
  IndexName: name,
  KeySchema: keySchema(key),
  Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: [...includes] },
});

const attributes = ({ key, indexes = [] }: TableShape): AttributeDefinition[] => {
  const types = new Map([key, ...indexes.map((index) => index.key)].flatMap((each) => Object.entries(each)));
  return [...types].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType }));
};

const expire = async (client: DynamoDBClient, TableName: string, AttributeName: string): Promise<void> => {
  const { TimeToLiveDescription: now } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  if (now?.TimeToLiveStatus === 'ENABLED' || now?.TimeToLiveStatus === 'ENABLING') return;
  const TimeToLiveSpecification = { AttributeName, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
};

const createTable = async (client: DynamoDBClient, TableName: string, shape: TableShape): Promise<void> => {
  const request = new CreateTableCommand({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: keySchema(shape.key),
    AttributeDefinitions: attributes(shape),
    ...(shape.indexes && { GlobalSecondaryIndexes: shape.indexes.map(indexSchema) }),
  });
  await client.send(request).catch((fault: unknown) => {
    if (!(fault instanceof ResourceInUseException)) throw fault;
  });
  await waitUntilTableExists({ client, minDelay: 1, maxWaitTime: 120 }, { TableName });
  if (shape.expiry) await expire(client, TableName, shape.expiry);
};

/** Makes every table that is not there yet and resolves when all can be used. */
export const createTables = async (client: DynamoDBClient, { tables }: Pick<Names, 'tables'>): Promise<void> => {
  await Promise.all(tableKeys.map((key) => createTable(client, tables[key], tableShapes[key])));
};

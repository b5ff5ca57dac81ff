/** Stores that hold many tasks already, made of the items of a real one, and kept in `.cache/bench` for the next run. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rootOf } from '#events/envelope.ts';
import { itemOf } from '#platform/dynamodb/item.ts';
import type { Item } from '#platform/dynamodb/item.ts';
import { createTables } from '#platform/dynamodb/tables.ts';
import { namesOf } from '#platform/names.ts';
import { shardOf } from '#platform/shard.ts';
import { dynamoDbAt } from '#test/support/dynamodb.ts';
import { startDynamoDb } from '../../services/local/dynamodb.ts';
import { progress } from './measurement.ts';
import { finishedTask, recorder } from './recorded.ts';

export const prefix = 'bench';
export const shards = 16;
/** Submitted, started, completed. */
export const factsPerTask = 3;
const names = namesOf(prefix);
const cache = fileURLToPath(new URL('../../.cache/bench', import.meta.url));

/** Part of the name of what is kept: whoever changes what a task leaves behind counts on. */
const form = 1;
const firstAt = Date.UTC(2026, 0, 1);
const hex = (value: number, length: number): string => value.toString(16).padStart(length, '0');

/** The same in every run: a UUIDv7 of the millisecond in which task `n` was made. */
const idOf = (n: number, part: number): string => {
  const time = hex(firstAt + n, 12);
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${hex(part, 4)}${hex(n, 8)}`;
};
export const taskIdOf = (n: number): string => idOf(n, 0);

/** One `PutRequest` of a batch, as the text between what differs from task to task. */
type Template = { readonly table: string; readonly parts: readonly string[] };
type Values = Readonly<Record<string, string>>;

const mark = (name: string): string => `@${name}@`;

const templates = async (): Promise<Template[]> => {
  const append = await finishedTask(firstAt);
  const [stream, , facts, { row }] = append;
  const [{ TransactItems = [] } = {}] = await recorder(names, shards).transactionsOf([append]);
  const marks: [string, string][] = [
    [rootOf(stream), mark('task')],
    [String(firstAt), mark('ms')],
    [new Date(firstAt).toISOString(), mark('iso')],
    ...facts.map(({ id }, index): [string, string] => [id, mark(`fact${index}`)]),
  ];
  const template = (table: string, item: Item): Template => {
    const text = marks.reduce((all, [value, name]) => all.replaceAll(value, name), JSON.stringify(item));
    return { table, parts: text.split('@') };
  };
  const position = { N: mark('position') };
  const puts = TransactItems.flatMap(({ Put: { TableName = '', Item = {} } = {} }) => {
    if (TableName === '') return [];
    if (Item['pk']?.S?.startsWith('L#')) return template(TableName, { ...Item, pk: { S: mark('log') }, sk: position });
    return template(TableName, 'position' in Item ? { ...Item, position } : Item);
  });
  return [...puts, template(names.tables.task, itemOf({ ...row, version: facts.length }))];
};

/** Every second part is the name of a value. */
const fill = ({ parts }: Template, values: Values): string =>
  parts.map((part, index) => (index % 2 === 0 ? part : values[part])).join('');

/** The engine wants to see a signature and does not check it; to make one costs more than everything else here. */
const unsigned = {
  'x-amz-date': '20260101T000000Z',
  authorization:
    'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
};

const send = (endpoint: string, agent: Agent, body: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = {
      ...unsigned,
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.BatchWriteItem',
      'content-length': Buffer.byteLength(body),
    };
    const asked = request(endpoint, { method: 'POST', agent, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.once('end', () => {
        if (answer.statusCode === 200 && !text.includes('PutRequest')) resolve();
        else reject(new Error(`a batch was answered ${answer.statusCode ?? 0}: ${text}`));
      });
    });
    asked.once('error', reject).end(body);
  });

/** What a batch may hold. */
const itemsMax = 25;
const writers = 3;

const write = async (endpoint: string, count: number): Promise<void> => {
  const made = await templates();
  const positions = Array.from({ length: shards }, () => 0);
  const agent = new Agent({ keepAlive: true, maxSockets: writers });
  const perBatch = Math.floor(itemsMax / made.length);
  const valuesOf = (n: number): Values => {
    const shard = shardOf(`task/${taskIdOf(n)}`, shards);
    const position = (positions[shard] ?? 0) + 1;
    positions[shard] = position;
    const ms = firstAt + n;
    const at = { ms: String(ms), iso: new Date(ms).toISOString(), log: `L#${shard}`, position: String(position) };
    return { ...at, task: taskIdOf(n), fact0: idOf(n, 1), fact1: idOf(n, 2), fact2: idOf(n, 3) };
  };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const byTable = new Map<string, string[]>();
      for (const end = Math.min(count, next + perBatch); next < end; next += 1) {
        const values = valuesOf(next);
        for (const template of made) {
          const put = `{"PutRequest":{"Item":${fill(template, values)}}}`;
          byTable.set(template.table, [...(byTable.get(template.table) ?? []), put]);
        }
        if (next % 50_000 === 0 && next > 0) progress(`${next} of ${count} tasks are stored`);
      }
      const tables = [...byTable].map(([table, puts]) => `"${table}":[${puts.join(',')}]`);
      await send(endpoint, agent, `{"RequestItems":{${tables.join(',')}}}`);
    }
  };
  await Promise.all(Array.from({ length: writers }, work));
  agent.destroy();
};

/** A directory with the file of an engine that holds `count` finished tasks. Nobody writes there: copy it. */
export const seededStore = async (count: number): Promise<string> => {
  const directory = join(cache, `tasks-${count}-form-${form}`);
  if (existsSync(directory)) return directory;
  const making = `${directory}-making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  progress(`storing ${count} tasks, once and for all later runs`);
  {
    await using engine = await startDynamoDb({ file: join(making, 'dynamodb.db') });
    await using db = dynamoDbAt(engine.endpoint);
    await createTables(db.connect(), names);
    await write(engine.endpoint, count);
  }
  await rename(making, directory);
  return directory;
};

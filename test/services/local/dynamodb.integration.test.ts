import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { pause } from '#platform/backoff.ts';
import { StartFault } from '#platform/lifetime.ts';
import { startDynamoDb } from '../../../services/local/dynamodb.ts';
import { isAlive } from '#test/support/processes.ts';

const clientOf = (endpoint: string): DynamoDBClient =>
  new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });

const tableNames = async (endpoint: string): Promise<string[] | undefined> =>
  (await clientOf(endpoint).send(new ListTablesCommand({}))).TableNames;

test('what was written to a file is found again by the next engine, also after a kill', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'dynamodb-'));
  const file = join(directory.path, 'tables.db');
  {
    await using engine = await startDynamoDb({ file });
    await clientOf(engine.endpoint).send(
      new CreateTableCommand({
        TableName: 'kept',
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      }),
    );
    process.kill(engine.pid, 'SIGKILL');
    assert.equal((await engine.exited).signal, 'SIGKILL');
  }
  await using engine = await startDynamoDb({ file });
  assert.deepEqual(await tableNames(engine.endpoint), ['kept']);
});

test('an engine that is let go is gone, twice as well as once', async () => {
  const engine = await startDynamoDb();
  assert.deepEqual(await tableNames(engine.endpoint), []);
  await engine[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
  await engine.exited;
  assert.equal(isAlive(engine.pid), false);
});

test('a port that is taken is a start fault that names it', async () => {
  await using taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  assert(typeof address === 'object' && address !== null);
  await assert.rejects(startDynamoDb({ port: address.port }), (fault: Error) => {
    assert(fault instanceof StartFault);
    assert.match(fault.message, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${address.port}`));
    return true;
  });
});

test('an engine that cannot open its file is a start fault with the last words of the engine', async () => {
  await assert.rejects(startDynamoDb({ file: '/proc/no/such/place.db' }), (fault: Error) => {
    assert(fault instanceof StartFault);
    assert.match(fault.message, /ended while starting: .*(open|file|database)/i);
    return true;
  });
});

test('an engine does not outlive the process that started it, even one that is killed', async () => {
  const program = `
    import { startDynamoDb } from '${join(import.meta.dirname, '../../../services/local/dynamodb.ts')}';
    console.log((await startDynamoDb()).pid);
    setInterval(() => {}, 1_000);`;
  const parent = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  });
  const lines = createInterface(parent.stdout)[Symbol.asyncIterator]();
  const pid = Number((await lines.next()).value);
  assert(isAlive(pid));
  parent.kill('SIGKILL');
  const deadline = performance.now() + 5_000;
  while (isAlive(pid)) {
    assert(performance.now() < deadline, `the engine ${pid} outlived its parent by five seconds`);
    await pause(20);
  }
});

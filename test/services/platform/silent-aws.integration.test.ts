/** A server that takes a connection and says nothing holds nobody up for ever, whichever client asks it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { ListTopicsCommand } from '@aws-sdk/client-sns';
import { z } from 'zod';
import { dynamoClient } from '#platform/dynamodb/client.ts';
import { s3Client } from '#platform/s3/client.ts';
import { snsClient } from '#platform/sns/client.ts';

const sockets = new Set<Socket>();
const silent = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
let given: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
before(async () => {
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = z.object({ port: z.int() }).parse(silent.address());
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  given = { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', credentials };
});
after(() => {
  sockets.forEach((socket) => socket.destroy());
  silent.close();
});

const asks = {
  dynamodb: () => dynamoClient({ ...given, maxAttempts: 1 }).send(new ListTablesCommand({})),
  sns: () => snsClient({ ...given, maxAttempts: 1 }).send(new ListTopicsCommand({})),
  s3: () => s3Client({ ...given, maxAttempts: 1 }).send(new GetObjectCommand({ Bucket: 'b', Key: 'k' })),
};

describe('a silent server', { concurrency: true }, () => {
  for (const [service, ask] of Object.entries(asks)) {
    it(`is given up by the client of ${service} within fifteen seconds`, async () => {
      const from = performance.now();
      await assert.rejects(ask, { name: 'TimeoutError' });
      assert.ok(performance.now() - from < 15_000);
    });
  }
});

/** SQS, SNS and S3 as the services meet them: through the SDK, by the environment, on loopback. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { GetObjectCommand, PutObjectCommand, CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { startQueues } from '../../../services/local/queues.ts';

const region = 'us-east-1';
const config = (endpoint: string) => ({
  ...{ endpoint, region },
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});

const isOpen = async (host: string, port: number): Promise<boolean> => {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

describe('the queues', () => {
  it('listen on loopback and on no other address of this machine', async () => {
    await using queues = await startQueues({ region });
    const port = Number(new URL(queues.endpoint).port);
    const addresses = Object.values(networkInterfaces()).flatMap((list = []) => list.filter((one) => !one.internal));
    assert.equal(await isOpen('127.0.0.1', port), true);
    // 127.0.0.2 stands for "another address" where the machine has no network.
    for (const address of ['127.0.0.2', ...addresses.filter(({ family }) => family === 'IPv4').map((a) => a.address)]) {
      assert.equal(await isOpen(address, port), false, address);
    }
  });

  it('answer no request that came under a foreign host name', async () => {
    await using queues = await startQueues({ region });
    const status = async (host: string) => {
      const asked = request(queues.endpoint, { path: '/health', headers: { host } }).end();
      const [response] = z.tuple([z.instanceof(IncomingMessage)]).parse(await once(asked, 'response'));
      return response.resume().statusCode;
    };
    assert.equal(await status('rebound.example'), 403);
    assert.equal(await status('127.0.0.1'), 200);
  });

  it('keep messages and objects over a restart, and tell where they are now', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'queues-'));
    const dataDir = directory.path;
    {
      await using queues = await startQueues({ region, dataDir });
      const sqs = new SQSClient(config(queues.endpoint));
      const s3 = new S3Client(config(queues.endpoint));
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'work' }));
      await sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody: 'http://sqs.us-east-1.localhost:1/stays as it is' }),
      );
      await s3.send(new CreateBucketCommand({ Bucket: 'kept' }));
      await s3.send(new PutObjectCommand({ Bucket: 'kept', Key: 'a/b', Body: 'bytes' }));
    }
    await using queues = await startQueues({ region, dataDir });
    const sqs = new SQSClient(config(queues.endpoint));
    const s3 = new S3Client(config(queues.endpoint));
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'work' }));
    assert.equal(QueueUrl, `${queues.endpoint}/000000000000/work`);
    assert.deepEqual((await sqs.send(new ListQueuesCommand({}))).QueueUrls, [QueueUrl]);
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    assert.deepEqual(
      Messages?.map(({ Body }) => Body),
      ['http://sqs.us-east-1.localhost:1/stays as it is'],
    );
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'kept', Key: 'a/b' }));
    assert.equal(await Body?.transformToString(), 'bytes');
  });
});

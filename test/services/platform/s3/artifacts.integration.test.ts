import { after } from 'node:test';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { s3Artifacts } from '#platform/s3/artifacts.ts';
import { artifactsConformance } from '#test/conformance/artifacts.ts';
import { startQueues } from '../../../../services/local/queues.ts';

const region = 'us-east-1';
const servers = await startQueues({ region });
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const client = new S3Client({ endpoint: servers.endpoint, region, credentials, forcePathStyle: true });
await client.send(new CreateBucketCommand({ Bucket: 'artifacts' }));
after(async () => {
  client.destroy();
  await servers[Symbol.asyncDispose]();
});

artifactsConformance('artifacts in S3', async () => s3Artifacts({ client, bucket: 'artifacts' }));

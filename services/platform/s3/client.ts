/** The S3 client every service uses; endpoint, region and credentials come from the environment through the SDK. */
import { S3Client } from '@aws-sdk/client-s3';
import type { S3ClientConfig } from '@aws-sdk/client-s3';

export const s3Client = (overrides: S3ClientConfig = {}): S3Client =>
  new S3Client({
    // The local server has no host name per bucket, and AWS takes the bucket in the path as well.
    forcePathStyle: true,
    // The SDK waits for ever by default, and whoever submitted a long prompt would wait with it.
    requestHandler: {
      connectionTimeout: 2_000,
      requestTimeout: 10_000,
      socketTimeout: 10_000,
      throwOnRequestTimeout: true,
    },
    ...overrides,
  });

/** Artifacts in S3, under `sha256/<hash>`. */
import { createHash } from 'node:crypto';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Artifacts } from '../artifacts.ts';

export type S3ArtifactsOptions = { readonly client: S3Client; readonly bucket: string };

export const s3Artifacts = ({ client, bucket: Bucket }: S3ArtifactsOptions): Artifacts => ({
  put: async (sha256, bytes, type) => {
    await client.send(new PutObjectCommand({ Bucket, Key: `sha256/${sha256}`, Body: bytes, ContentType: type }));
  },
  get: async (sha256) => {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: `sha256/${sha256}` }));
      if (Body === undefined) throw new Error('the answer has no body');
      const bytes = await Body.transformToByteArray();
      if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new Error('the bytes have another hash');
      return bytes;
    } catch (cause) {
      throw new Error(`artifact ${sha256} could not be read`, { cause });
    }
  },
});

/** SDK clients of the embedded AWS, for those who provision it. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { dynamoClient } from '#platform/dynamodb/client.ts';
import { region } from './environment.ts';
import type { Endpoints } from './environment.ts';

export type Clients = {
  readonly dynamodb: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly sns: SNSClient;
  readonly s3: S3Client;
  readonly eventBridge: EventBridgeClient;
};

export const clientsOf = ({ dynamodb, queues, json }: Endpoints): Clients & Disposable => {
  const config = { region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const clients = {
    dynamodb: dynamoClient({ ...config, endpoint: dynamodb }),
    sqs: new SQSClient({ ...config, endpoint: queues }),
    sns: new SNSClient({ ...config, endpoint: queues }),
    s3: new S3Client({ ...config, endpoint: queues }),
    eventBridge: new EventBridgeClient({ ...config, endpoint: json }),
  };
  return {
    ...clients,
    [Symbol.dispose]: () => Object.values(clients).forEach((client) => client.destroy()),
  };
};

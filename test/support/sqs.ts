/** An embedded SQS with a client, for one test file. */
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { startQueues } from '../../services/local/queues.ts';

export type Sqs = AsyncDisposable & {
  readonly sqs: SQSClient;
  /** Answers its address. */
  readonly makeQueue: (QueueName: string, Attributes?: Record<string, string>) => Promise<string>;
};

export const startSqs = async (): Promise<Sqs> => {
  const queues = await startQueues({ region: 'us-east-1' });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const sqs = new SQSClient({ endpoint: queues.endpoint, region: 'us-east-1', credentials });
  return {
    sqs,
    makeQueue: async (QueueName, Attributes = {}) => {
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
      return z.string().parse(QueueUrl);
    },
    [Symbol.asyncDispose]: async () => {
      sqs.destroy();
      await queues[Symbol.asyncDispose]();
    },
  };
};

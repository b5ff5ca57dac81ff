/** Where delivered events go: SQS queues and SNS topics, by the SDK. */
import { SNSClient, PublishCommand } from '@aws-sdk/client-sns';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { account } from './arn.ts';
import type { Send } from './delivery.ts';

/** `endpoint` is that of SQS and SNS both. */
export const sendTo = (endpoint: string, region: string): Send => {
  const config = { endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const sqs = new SQSClient(config);
  const sns = new SNSClient(config);
  return async (targetArn, body) => {
    if (targetArn.startsWith('arn:aws:sns:')) {
      await sns.send(new PublishCommand({ TopicArn: targetArn, Message: body }));
      return;
    }
    const queue = targetArn.slice(targetArn.lastIndexOf(':') + 1);
    await sqs.send(new SendMessageCommand({ QueueUrl: `${endpoint}/${account}/${queue}`, MessageBody: body }));
  };
};

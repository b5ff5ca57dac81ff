/** Asks each AWS service one harmless question, with clients that know nothing but the environment. */
import { CodeBuildClient, ListBuildsCommand } from '@aws-sdk/client-codebuild';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

const ask = (question: Promise<unknown>): Promise<string> =>
  question.then(
    () => 'answered',
    (fault: unknown) => (fault instanceof Error ? fault.name : String(fault)),
  );

/** The SDK sends messages where the queue's address says, whatever endpoint it was given. */
const sendMessage = async (sqs: SQSClient): Promise<void> => {
  const QueueName = `${process.env['RESOURCE_PREFIX'] ?? ''}-work-high`;
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'm' }));
};

const answers = {
  dynamodb: await ask(new DynamoDBClient({}).send(new ListTablesCommand({}))),
  sqs: await ask(sendMessage(new SQSClient({}))),
  sns: await ask(new SNSClient({}).send(new ListTopicsCommand({}))),
  s3: await ask(new S3Client({}).send(new ListBucketsCommand({}))),
  eventBridge: await ask(new EventBridgeClient({}).send(new ListRulesCommand({}))),
  codeBuild: await ask(new CodeBuildClient({}).send(new ListBuildsCommand({}))),
  secretsManager: await ask(new SecretsManagerClient({}).send(new DescribeSecretCommand({ SecretId: 'none' }))),
};
process.stdout.write(JSON.stringify(answers));

/** What provisioning makes, and that repeating it repairs and never harms. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ListRulesCommand, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { ListTopicsCommand } from '@aws-sdk/client-sns';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { Priority } from '#events/task.ts';
import { readRouting } from '#platform/eventbridge/routing.ts';
import { startAws } from '#test/support/aws.ts';
import type { Aws } from '#test/support/aws.ts';
import { provision } from '../../../services/local/provision.ts';

describe('provisioning', () => {
  let aws: Aws;
  before(async () => {
    aws = await startAws();
  });
  after(() => aws[Symbol.asyncDispose]());

  const repeat = async () => provision(aws.clients, aws.names, aws.bucket, await readRouting());
  const urlOf = async (QueueName: string) =>
    (await aws.clients.sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl;
  const attributesOf = async (name: string) => {
    const request = { QueueUrl: await urlOf(name), AttributeNames: ['All' as const] };
    return (await aws.clients.sqs.send(new GetQueueAttributesCommand(request))).Attributes ?? {};
  };
  const names = () => Priority.options.map((priority) => aws.names.workQueues[priority]);

  it('gives each work queue a visibility of a minute', async () => {
    for (const name of names()) assert.equal((await attributesOf(name))['VisibilityTimeout'], '60');
  });

  it('puts a message aside that was received five times in vain', async () => {
    const { sqs } = aws.clients;
    for (const name of names()) {
      const QueueUrl = await urlOf(name);
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: name }));
      for (let receive = 1; receive <= 5; receive += 1) {
        const { Messages: [message] = [] } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }),
        );
        assert.equal(message?.Body, name, `receive ${receive}`);
        const { ReceiptHandle } = message;
        await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
      }
      assert.equal((await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages, undefined);
      const dead = await urlOf(name + aws.names.deadLetterSuffix);
      const { Messages: [message] = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: dead }));
      assert.equal(message?.Body, name);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: dead, ReceiptHandle: message.ReceiptHandle }));
    }
  });

  it('makes the wake topic and the bucket', async () => {
    const { Topics = [] } = await aws.clients.sns.send(new ListTopicsCommand({}));
    assert.ok(Topics.some(({ TopicArn }) => TopicArn?.endsWith(`:${aws.names.wakeTopic}`)));
    await aws.clients.s3.send(new HeadBucketCommand({ Bucket: aws.bucket }));
  });

  it('repeated, leaves waiting messages where they are', async () => {
    const QueueUrl = await urlOf(aws.names.workQueues.low);
    await aws.clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'waiting' }));
    await repeat();
    const { Messages } = await aws.clients.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    assert.equal(Messages?.[0]?.Body, 'waiting');
  });

  it('repeated, takes away rules that the routing no longer has', async () => {
    const EventBusName = aws.names.bus;
    const rule = { EventBusName, Name: 'of-yesterday', EventPattern: '{"source":["kiro-dispatch"]}' };
    await aws.clients.eventBridge.send(new PutRuleCommand(rule));
    const Targets = [{ Id: 't', Arn: `arn:aws:sqs:us-east-1:000000000000:${aws.names.workQueues.high}` }];
    await aws.clients.eventBridge.send(new PutTargetsCommand({ EventBusName, Rule: rule.Name, Targets }));
    await repeat();
    const { Rules = [] } = await aws.clients.eventBridge.send(new ListRulesCommand({ EventBusName }));
    const { rules } = await readRouting();
    assert.deepEqual(Rules.map(({ Name }) => Name).toSorted(), rules.map(({ name }) => name).toSorted());
  });

  it('repeated, gives a queue of an older version today’s attributes', async () => {
    const name = aws.names.workQueues.normal;
    const Attributes = { VisibilityTimeout: '30', RedrivePolicy: '' };
    await aws.clients.sqs.send(new SetQueueAttributesCommand({ QueueUrl: await urlOf(name), Attributes }));
    await repeat();
    const { VisibilityTimeout, RedrivePolicy = '' } = await attributesOf(name);
    assert.equal(VisibilityTimeout, '60');
    assert.deepEqual(JSON.parse(RedrivePolicy), {
      deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:${name}${aws.names.deadLetterSuffix}`,
      maxReceiveCount: 5,
    });
  });
});

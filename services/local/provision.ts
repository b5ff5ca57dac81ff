/** Makes what Terraform makes on AWS: tables, queues with their dead letters, the wake topic, the bus with its rules, the bucket. Repeated, it changes nothing. */
import {
  CreateEventBusCommand,
  DeleteRuleCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  ResourceAlreadyExistsException,
} from '@aws-sdk/client-eventbridge';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { BucketAlreadyOwnedByYou, CreateBucketCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { CreateTopicCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Names } from '#platform/names.ts';
import { priorityOf } from '#platform/eventbridge/routing.ts';
import type { Routing } from '#platform/eventbridge/routing.ts';
import { createTables } from '#platform/dynamodb/tables.ts';
import { arnOf } from './aws-json/arn.ts';
import type { Clients } from './clients.ts';
import { region } from './environment.ts';

/** A message received this often without being deleted is put aside; Terraform says the same. */
const maxReceiveCount = 5;
const visibilitySeconds = 60;
const deadLetterDays = 14;

const queueArn = (name: string): string => arnOf('sqs', region, name);

/** In two steps, so that a queue that an older version of this file made is given today's attributes. */
const makeQueue = async (sqs: SQSClient, QueueName: string, Attributes: Record<string, string>): Promise<void> => {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
};

const makeWorkQueue = async (sqs: SQSClient, name: string, deadLetters: string): Promise<void> => {
  await makeQueue(sqs, deadLetters, { MessageRetentionPeriod: String(deadLetterDays * 86_400) });
  await makeQueue(sqs, name, {
    VisibilityTimeout: String(visibilitySeconds),
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: queueArn(deadLetters), maxReceiveCount }),
  });
};

const makeBus = async (events: EventBridgeClient, Name: string): Promise<void> => {
  try {
    await events.send(new CreateEventBusCommand({ Name }));
  } catch (fault) {
    if (!(fault instanceof ResourceAlreadyExistsException)) throw fault;
  }
};

const removeTargets = async (
  events: EventBridgeClient,
  EventBusName: string,
  Rule: string,
  keep: readonly string[],
): Promise<void> => {
  const { Targets = [] } = await events.send(new ListTargetsByRuleCommand({ EventBusName, Rule }));
  const Ids = Targets.flatMap(({ Id = '' }) => (keep.includes(Id) ? [] : [Id]));
  if (Ids.length > 0) await events.send(new RemoveTargetsCommand({ EventBusName, Rule, Ids }));
};

const makeRule = async (
  events: EventBridgeClient,
  names: Names,
  { name: Rule, pattern, targets }: Routing['rules'][number],
): Promise<void> => {
  const EventBusName = names.bus;
  await events.send(new PutRuleCommand({ EventBusName, Name: Rule, EventPattern: JSON.stringify(pattern) }));
  const Targets = targets.map((target) => ({
    Id: target.queue,
    Arn: queueArn(names.workQueues[priorityOf(target)]),
  }));
  await events.send(new PutTargetsCommand({ EventBusName, Rule, Targets }));
  const ids = Targets.map(({ Id }) => Id);
  await removeTargets(events, EventBusName, Rule, ids);
};

/** The bus does what the routing says, and nothing that an older routing said. */
const route = async (events: EventBridgeClient, names: Names, { rules }: Routing): Promise<void> => {
  const EventBusName = names.bus;
  await makeBus(events, EventBusName);
  await Promise.all(rules.map((rule) => makeRule(events, names, rule)));
  const { Rules = [] } = await events.send(new ListRulesCommand({ EventBusName }));
  for (const { Name = '' } of Rules) {
    if (rules.some((rule) => rule.name === Name)) continue;
    await removeTargets(events, EventBusName, Name, []);
    await events.send(new DeleteRuleCommand({ EventBusName, Name }));
  }
};

const makeBucket = async (s3: S3Client, Bucket: string): Promise<void> => {
  try {
    await s3.send(new CreateBucketCommand({ Bucket }));
  } catch (fault) {
    if (!(fault instanceof BucketAlreadyOwnedByYou)) throw fault;
  }
};

export const provision = async (
  { dynamodb, sqs, sns, s3, eventBridge }: Clients,
  names: Names,
  bucket: string,
  routing: Routing,
): Promise<void> => {
  await Promise.all([
    createTables(dynamodb, names),
    ...Object.values(names.workQueues).map((name) => makeWorkQueue(sqs, name, name + names.deadLetterSuffix)),
    sns.send(new CreateTopicCommand({ Name: names.wakeTopic })),
    route(eventBridge, names, routing),
    makeBucket(s3, bucket),
  ]);
};

/** A running system and its queues from the outside: what is put into them that nobody can work on, and what became of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import {
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { catalog } from '#events/catalog.ts';
import { AccountId, TaskId } from '#events/ids.ts';
import { rowKey } from '#platform/dynamodb/keys.ts';
import { dynamoStore } from '#platform/dynamodb/store.ts';
import { handler } from '#platform/handle.ts';
import { jsonText } from '#platform/json.ts';
import { namesOf } from '#platform/names.ts';
import { redrive } from '#platform/sqs/redrive.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { arnOf } from '../../../services/local/aws-json/arn.ts';
import { clientsOf } from '../../../services/local/clients.ts';
import { region } from '../../../services/local/environment.ts';
import { environmentOfRunning } from '../../../services/local/running.ts';

const Environment = z.object({
  AWS_ENDPOINT_URL: z.string(),
  AWS_ENDPOINT_URL_DYNAMODB: z.string(),
  AWS_ENDPOINT_URL_SQS: z.string(),
  RESOURCE_PREFIX: z.string(),
});

/** As the queue delivers again what nobody deleted; shorter than in production, so that five times are soon over. */
const visibilitySeconds = 2;

/** Names a fact, as the bus would. */
export const wordOf = (stream: string, version = 1): string =>
  JSON.stringify({ detail: { stream, version, type: 'TaskSubmitted' } });

const LogLine = jsonText(
  z.looseObject({ event: z.string(), receives: z.int().optional(), stream: z.string().optional() }),
);

export const openQueuesOf = async (dataDir: string) => {
  const env = Environment.parse(environmentOfRunning(dataDir));
  const clients = clientsOf({
    dynamodb: env.AWS_ENDPOINT_URL_DYNAMODB,
    queues: env.AWS_ENDPOINT_URL_SQS,
    json: env.AWS_ENDPOINT_URL,
  });
  const { sqs, dynamodb } = clients;
  const names = namesOf(env.RESOURCE_PREFIX);
  const queue = names.workQueues.normal;
  const deadLetters = `${queue}${names.deadLetterSuffix}`;
  const urlOf = async (QueueName: string) =>
    z.string().parse((await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl);
  const [queueUrl, deadUrl] = [await urlOf(queue), await urlOf(deadLetters)];
  const Attributes = { VisibilityTimeout: String(visibilitySeconds) };
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl, Attributes }));

  return {
    send: (MessageBody: string) => sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody })),
    /** Another number of receives before a message is put aside. */
    giveChances: async (maxReceiveCount: number): Promise<void> => {
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf('sqs', region, deadLetters), maxReceiveCount });
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl, Attributes: { RedrivePolicy } }));
    },
    redrive: () => redrive(sqs, deadLetters, queue),
    /** The bodies in the dead-letter queue; looking at them leaves them there. */
    dead: async (): Promise<string[]> => {
      const found = new Map<string, string>();
      for (let look = 0; look < 5; look += 1) {
        const request = { QueueUrl: deadUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 };
        const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(request));
        for (const { MessageId = '', Body = '' } of Messages) found.set(MessageId, Body);
      }
      return [...found.values()];
    },
    /** What the worker said about it. */
    logged: () =>
      readFileSync(join(dataDir, 'logs', 'worker.log'), 'utf8')
        .split('\n')
        .flatMap((line) => {
          const parsed = LogLine.safeParse(line);
          return parsed.success ? [parsed.data] : [];
        }),
    /** A task that was stored and announced, but whose row no worker can read. */
    submitUnreadable: async (): Promise<TaskId> => {
      const store = dynamoStore({ client: dynamodb, names, shards: 16, clock: Date.now });
      const append: typeof store.append = (stream, expected, facts, options) =>
        store.append(stream, expected, facts, { ...options, row: { ...options.row, attemptsMax: 'three' } });
      const handle = handler(catalog.task.decider, catalog.task.parseRow, { ...store, append }, Date.now);
      const taskId = TaskId.parse(uuidv7(Date.now()));
      const owner = AccountId.parse('ownerAAAAAAA');
      const prompt = { kind: 'inline', text: 'reverse this' } as const;
      const submit = { type: 'submit', owner, prompt, priority: 'normal', timeoutMs: 60_000, attemptsMax: 3 } as const;
      await handle(`task/${taskId}`, submit, { actor: `account:${owner}`, correlationId: taskId });
      return taskId;
    },
    mend: async (taskId: TaskId): Promise<void> => {
      await dynamodb.send(
        new UpdateItemCommand({
          ...rowKey(names.tables, `task/${taskId}`),
          UpdateExpression: 'SET attemptsMax = :three',
          ExpressionAttributeValues: { ':three': { N: '3' } },
        }),
      );
    },
    [Symbol.dispose]: () => clients[Symbol.dispose](),
  };
};

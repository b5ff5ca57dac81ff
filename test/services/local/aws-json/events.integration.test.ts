/** The EventBridge stand-in, asked by the SDK as the relay and the provisioning ask it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  CreateEventBusCommand,
  DeleteRuleCommand,
  DescribeEventBusCommand,
  EventBridgeServiceException,
  InvalidEventPatternException,
  ListEventBusesCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
} from '@aws-sdk/client-eventbridge';
import type { PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { CreateTopicCommand, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, GetQueueUrlCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { Priority } from '#events/task.ts';
import { jsonText } from '#platform/json.ts';
import { startAws } from '#test/support/aws.ts';
import type { Aws } from '#test/support/aws.ts';

const queueArn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
const Delivered = jsonText(z.looseObject({ id: z.string(), detail: z.record(z.string(), z.unknown()) }));

describe('the event bus', () => {
  let aws: Aws;
  before(async () => {
    aws = await startAws();
  });
  after(() => aws[Symbol.asyncDispose]());

  const bus = () => aws.names.bus;
  const events = () => aws.clients.eventBridge;
  const put = (...Entries: PutEventsRequestEntry[]) => events().send(new PutEventsCommand({ Entries }));
  const entry = (more: Partial<PutEventsRequestEntry> = {}): PutEventsRequestEntry => ({
    ...{ EventBusName: bus(), Source: 'kiro-dispatch', DetailType: 'TaskSubmitted', Detail: '{"priority":"high"}' },
    ...more,
  });

  /** The next `count` messages of a queue. */
  const receive = async (QueueName: string, count: number): Promise<z.infer<typeof Delivered>[]> => {
    const { QueueUrl } = await aws.clients.sqs.send(new GetQueueUrlCommand({ QueueName }));
    const received: z.infer<typeof Delivered>[] = [];
    while (received.length < count) {
      const request = { QueueUrl, WaitTimeSeconds: 5, MaxNumberOfMessages: 10 };
      const { Messages } = await aws.clients.sqs.send(new ReceiveMessageCommand(request));
      assert.ok(Messages, `${QueueName} got ${received.length} of ${count} messages`);
      received.push(...Messages.map(({ Body }) => Delivered.parse(Body)));
    }
    return received;
  };

  const putRule = async (Name: string, pattern: object, arn: string, more: object = {}): Promise<void> => {
    const EventPattern = JSON.stringify(pattern);
    await events().send(new PutRuleCommand({ EventBusName: bus(), Name, EventPattern, ...more }));
    const Targets = [{ Id: 'target', Arn: arn }];
    await events().send(new PutTargetsCommand({ EventBusName: bus(), Rule: Name, Targets }));
  };
  /** A queue, and a rule of the same name that fills it. */
  const listenFor = async (name: string, pattern: object, more: object = {}): Promise<void> => {
    await aws.clients.sqs.send(new CreateQueueCommand({ QueueName: name }));
    await putRule(name, pattern, queueArn(name), more);
  };

  it('brings a submitted or retried task to the queue of its priority, and to no other', async () => {
    for (const priority of Priority.options) {
      const Detail = JSON.stringify({ priority, stream: `task/${priority}` });
      const answer = await put(entry({ Detail }), entry({ Detail, DetailType: 'TaskRetried' }));
      assert.equal(answer.FailedEntryCount, 0);
    }
    // Six messages in all: whatever went astray is missing here.
    for (const priority of Priority.options) {
      const delivered = await receive(aws.names.workQueues[priority], 2);
      assert.deepEqual(
        delivered.map(({ detail }) => detail['stream']),
        [`task/${priority}`, `task/${priority}`],
      );
    }
  });

  it('delivers the whole event as EventBridge writes it', async () => {
    await listenFor('whole', { source: ['whole'] });
    const Time = new Date('2026-01-02T03:04:05Z');
    const Resources = ['arn:aws:x:::y'];
    const { Entries } = await put(entry({ Source: 'whole', Detail: '{"a":[1,null,"ü"]}', Time, Resources }));
    assert.deepEqual(await receive('whole', 1), [
      {
        version: '0',
        id: Entries?.[0]?.EventId,
        'detail-type': 'TaskSubmitted',
        source: 'whole',
        account: '000000000000',
        time: '2026-01-02T03:04:05Z',
        region: 'us-east-1',
        resources: Resources,
        detail: { a: [1, null, 'ü'] },
      },
    ]);
  });

  it('delivers to a topic as well', async () => {
    const { TopicArn = '' } = await aws.clients.sns.send(new CreateTopicCommand({ Name: 'told' }));
    await aws.clients.sqs.send(new CreateQueueCommand({ QueueName: 'behind-topic' }));
    const subscription = { TopicArn, Protocol: 'sqs', Endpoint: queueArn('behind-topic') };
    await aws.clients.sns.send(new SubscribeCommand({ ...subscription, Attributes: { RawMessageDelivery: 'true' } }));
    await putRule('topic', { source: ['topic'] }, TopicArn);
    await put(entry({ Source: 'topic', Detail: '{"n":1}' }));
    assert.deepEqual((await receive('behind-topic', 1))[0]?.detail, { n: 1 });
  });

  it('refuses bad entries one by one and takes the good ones beside them', async () => {
    await listenFor('good', { source: ['good'] });
    const { FailedEntryCount, Entries = [] } = await put(
      entry({ Source: undefined }),
      entry({ Source: 'good' }),
      entry({ Detail: '{"cut' }),
      entry({ Detail: '[1]' }),
      entry({ Source: 'aws.codebuild' }),
      entry({ EventBusName: 'nowhere' }),
    );
    assert.equal(FailedEntryCount, 5);
    assert.deepEqual(
      Entries.map(({ ErrorCode }) => ErrorCode),
      [
        'InvalidArgument',
        undefined,
        'MalformedDetail',
        'MalformedDetail',
        'NotAuthorizedForSourceException',
        'InvalidArgument',
      ],
    );
    assert.equal((await receive('good', 1))[0]?.id, Entries[1]?.EventId);
  });

  it('refuses a request of more than ten entries, or of more than a megabyte', async () => {
    const refused = { name: 'ValidationException' };
    await assert.rejects(put(...Array.from({ length: 11 }, () => entry())), refused);
    await assert.rejects(put(entry({ Detail: JSON.stringify({ x: 'x'.repeat(1_048_576) }) })), refused);
  });

  it('delivers what it accepted before the queue was there', async () => {
    await putRule('early', { source: ['early'] }, queueArn('early'));
    await put(entry({ Source: 'early' }));
    await aws.clients.sqs.send(new CreateQueueCommand({ QueueName: 'early' }));
    await receive('early', 1);
  });

  it('sends nothing for a rule that is disabled, has lost its targets, or is gone', async () => {
    for (const name of ['disabled', 'no-targets', 'gone']) await listenFor(name, { source: ['switch'] });
    await listenFor('enabled', { source: ['switch'] });
    await listenFor('disabled', { source: ['switch'] }, { State: 'DISABLED' });
    const target = { EventBusName: bus(), Ids: ['target'] };
    for (const Rule of ['no-targets', 'gone']) await events().send(new RemoveTargetsCommand({ ...target, Rule }));
    await events().send(new DeleteRuleCommand({ EventBusName: bus(), Name: 'gone' }));
    await put(entry({ Source: 'switch', Detail: '{"n":1}' }));
    await receive('enabled', 1);
    for (const name of ['disabled', 'no-targets', 'gone']) {
      await putRule(name, { source: ['switch'] }, queueArn(name));
    }
    await put(entry({ Source: 'switch', Detail: '{"n":2}' }));
    for (const name of ['disabled', 'no-targets', 'gone']) {
      assert.deepEqual((await receive(name, 1))[0]?.detail, { n: 2 }, name);
    }
  });

  it('tells of its rules and targets what was put', async () => {
    const pattern = { source: ['listed'], detail: { n: [{ numeric: ['>', 0] }] } };
    await putRule('listed-rule', pattern, queueArn('listed'));
    const { Rules = [] } = await events().send(new ListRulesCommand({ EventBusName: bus(), NamePrefix: 'listed-' }));
    assert.deepEqual(
      Rules.map(({ Name, State, EventPattern }) => ({ Name, State, EventPattern })),
      [{ Name: 'listed-rule', State: 'ENABLED', EventPattern: JSON.stringify(pattern) }],
    );
    const { Targets } = await events().send(new ListTargetsByRuleCommand({ EventBusName: bus(), Rule: 'listed-rule' }));
    assert.deepEqual(Targets, [{ Id: 'target', Arn: queueArn('listed') }]);
  });

  it('keeps a rule that still has targets', async () => {
    await putRule('in-use', { source: ['x'] }, queueArn('x'));
    const remove = events().send(new DeleteRuleCommand({ EventBusName: bus(), Name: 'in-use' }));
    await assert.rejects(remove, { name: 'ValidationException' });
  });

  it('refuses what EventBridge would refuse, by the same name', async () => {
    const pattern = '{"source":["x"]}';
    const send = events().send.bind(events());
    await assert.rejects(send(new CreateEventBusCommand({ Name: bus() })), ResourceAlreadyExistsException);
    await assert.rejects(send(new DescribeEventBusCommand({ Name: 'nowhere' })), ResourceNotFoundException);
    const elsewhere = { EventBusName: 'nowhere', Name: 'r', EventPattern: pattern };
    await assert.rejects(send(new PutRuleCommand(elsewhere)), ResourceNotFoundException);
    const noRule = { EventBusName: bus(), Rule: 'nothing', Targets: [{ Id: 't', Arn: queueArn('q') }] };
    await assert.rejects(send(new PutTargetsCommand(noRule)), ResourceNotFoundException);
    for (const EventPattern of ['{"source":"x"}', '{}', 'x']) {
      const rule = { EventBusName: bus(), Name: 'r', EventPattern };
      await assert.rejects(send(new PutRuleCommand(rule)), InvalidEventPatternException);
    }
  });

  it('refuses an operation or a parameter that it does not have, rather than leave it out', async () => {
    const noSuchOperation = events().send(new ListEventBusesCommand({}));
    await assert.rejects(noSuchOperation, (fault) => {
      assert.ok(fault instanceof EventBridgeServiceException);
      assert.equal(fault.name, 'UnknownOperationException');
      return true;
    });
    await putRule('r', { source: ['x'] }, queueArn('q'));
    const withPath = { Id: 't', Arn: queueArn('q'), InputPath: '$.detail' };
    const unknown = events().send(new PutTargetsCommand({ EventBusName: bus(), Rule: 'r', Targets: [withPath] }));
    await assert.rejects(unknown, { name: 'ValidationException', message: /InputPath/ });
  });
});

/** What the bus has accepted survives the death of its process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { it } from 'node:test';
import {
  CreateEventBusCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import { clientsOf } from '../../../../services/local/clients.ts';

const main = new URL('../../../../services/local/aws-main.ts', import.meta.url).pathname;
const Started = jsonText(z.object({ event: z.literal('aws.started'), queues: z.url(), json: z.url() }));

type Embedded = AsyncDisposable & { readonly child: ChildProcess; readonly clients: ReturnType<typeof clientsOf> };

/** The embedded AWS as `make run` starts it; its end of stdin is ours. */
const start = async (dataDir: string): Promise<Embedded> => {
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, DATA_DIR: dataDir, QUEUES_PORT: '0', AWS_JSON_PORT: '0', STOP_WITH_PARENT: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) {
    const { queues, json } = Started.parse(line);
    return {
      child,
      clients: clientsOf({ dynamodb: json, queues, json }),
      async [Symbol.asyncDispose]() {
        child.kill('SIGKILL');
        await exited;
      },
    };
  }
  throw new Error('the embedded AWS did not start');
};

it('every event acknowledged before a kill -9 is delivered by the next start', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'journal-'));
  const acknowledged: string[] = [];
  {
    await using embedded = await start(directory.path);
    const { eventBridge } = embedded.clients;
    const EventBusName = 'b';
    await eventBridge.send(new CreateEventBusCommand({ Name: EventBusName }));
    const rule = { EventBusName, Name: 'r', EventPattern: '{"source":["s"]}' };
    await eventBridge.send(new PutRuleCommand(rule));
    // The queue is not there, so that nothing is delivered before the process dies.
    const Targets = [{ Id: 't', Arn: 'arn:aws:sqs:us-east-1:000000000000:q' }];
    await eventBridge.send(new PutTargetsCommand({ EventBusName, Rule: 'r', Targets }));
    const entry = { EventBusName, Source: 's', DetailType: 'd', Detail: '{}' };
    for (let n = 0; n < 5; n += 1) {
      const { Entries = [] } = await eventBridge.send(new PutEventsCommand({ Entries: [entry, entry] }));
      acknowledged.push(...Entries.map(({ EventId = '' }) => EventId));
    }
  }
  await using embedded = await start(directory.path);
  const { sqs } = embedded.clients;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  const delivered = new Set<string>();
  while (delivered.size < acknowledged.length) {
    const request = { QueueUrl, WaitTimeSeconds: 20, MaxNumberOfMessages: 10 };
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(request));
    assert.notEqual(Messages.length, 0, `${delivered.size} of ${acknowledged.length} were delivered`);
    for (const { Body } of Messages) delivered.add(jsonText(z.object({ id: z.string() })).parse(Body).id);
  }
  assert.deepEqual(delivered, new Set(acknowledged));
});

it('the process ends by itself when the one that started it is gone', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'journal-'));
  await using embedded = await start(directory.path);
  const exited = once(embedded.child, 'exit');
  embedded.child.stdin?.destroy();
  assert.deepEqual(await exited, [0, null]);
});

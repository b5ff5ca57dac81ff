/** What the bus is told of a fact, and what happens when it refuses some of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { z } from 'zod';
import { detailOf, eventPublisher } from '#platform/eventbridge/publisher.ts';
import type { StoredFact } from '#platform/store.ts';
import { jsonText } from '#platform/json.ts';

const envelope = (version: number) => ({
  id: `01999999-0000-7000-8000-${String(version).padStart(12, '0')}`,
  stream: 'task/01999999-0000-7000-8000-000000000000' as const,
  version,
  at: '2026-01-01T00:00:00.000Z',
  actor: 'account:AAAAAAAAAAAA' as const,
  correlationId: 'request-1',
});
const fact = (version: number): StoredFact => ({ ...envelope(version), type: 'TaskRetried', v: 1 });
const submitted = {
  ...envelope(1),
  ...{ type: 'TaskSubmitted', v: 1, owner: 'AAAAAAAAAAAA', priority: 'high', timeoutMs: 1_000, attemptsMax: 3 },
  ...{ prompt: { kind: 'inline', text: 'the secret plan' }, metadata: { note: 'the secret plan' } },
};

describe('what is announced of a fact', () => {
  it('is where it stands, what led to it, and what rules may match', () => {
    const { id, owner, timeoutMs, attemptsMax, prompt, metadata, ...announced } = submitted;
    assert.deepEqual(detailOf(submitted), announced);
    const traced = { ...submitted, causationId: 'cause', traceparent: '00-a-b-01' };
    assert.deepEqual(detailOf(traced), { ...announced, causationId: 'cause', traceparent: '00-a-b-01' });
  });

  it('is small, whatever the fact holds', () => {
    const large = { ...submitted, priority: 'x'.repeat(300_000), attempt: { not: 'a scalar' } };
    assert.ok(JSON.stringify(detailOf(large)).length < 1_000);
  });
});

const Request = jsonText(
  z.object({ Entries: z.array(z.object({ Detail: jsonText(z.object({ version: z.int() })) })) }),
);

/** A bus that notes the versions it is sent, call by call, and refuses those that `refuses` says. */
const startBus = async (refuses: (version: number, call: number) => boolean) => {
  const calls: number[][] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const versions = Request.parse(Buffer.concat(chunks).toString()).Entries.map(({ Detail }) => Detail.version);
      const failed = versions.map((version) => refuses(version, calls.length));
      calls.push(versions);
      const Entries = failed.map((each) =>
        each ? { ErrorCode: 'InternalFailure', ErrorMessage: 'try again' } : { EventId: 'id' },
      );
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      response.end(JSON.stringify({ FailedEntryCount: failed.filter(Boolean).length, Entries }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.int() }).parse(server.address());
  const client = new EventBridgeClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  return {
    calls,
    publish: eventPublisher({ client, bus: 'bus' }),
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
};
const facts = (count: number) => Array.from({ length: count }, (_, index) => fact(index + 1));

describe('publishing', () => {
  it('sends ten at a time, in order', async () => {
    await using bus = await startBus(() => false);
    await bus.publish(facts(25));
    assert.deepEqual(
      bus.calls.map(({ length }) => length),
      [10, 10, 5],
    );
    assert.deepEqual(
      bus.calls.flat(),
      facts(25).map(({ version }) => version),
    );
  });

  it('sends again what was refused, and only that', async () => {
    await using bus = await startBus((version, call) => version % 4 === 0 && call < 2);
    await bus.publish(facts(9));
    assert.deepEqual(bus.calls, [
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
      [4, 8],
      [4, 8],
    ]);
  });

  it('gives up with the reason when the bus goes on refusing', async () => {
    await using bus = await startBus((version) => version === 2);
    await assert.rejects(bus.publish(facts(3)), /refused 1 of 3 events 4 times: InternalFailure try again/);
    assert.deepEqual(bus.calls, [[1, 2, 3], [2], [2], [2]]);
  });
});

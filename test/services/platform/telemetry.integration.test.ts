/** What a collector receives. The SDK is registered once per process, so the tests share one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { currentTraceparent, startTelemetry, traced } from '#platform/telemetry.ts';
import { startOtlpReceiver } from '#test/support/otlp-receiver.ts';
import type { OtlpReceiver, ReceivedSpan } from '#test/support/otlp-receiver.ts';

const listen = async (server: ReturnType<typeof createServer>): Promise<string> => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return `http://127.0.0.1:${address.port}`;
};

const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => {
  const span = spans.find((one) => one.name === name);
  assert.ok(span, `there is no span '${name}'`);
  return span;
};

void suite('spans that reach a collector', () => {
  let receiver: OtlpReceiver;
  let spans: readonly ReceivedSpan[] = [];
  const tables = createServer((_, response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.0').end('{"TableNames":[]}');
  });

  // Everything happens before the service stops: stopping sends what is left, which is the last guarantee tested here.
  before(async () => {
    receiver = await startOtlpReceiver();
    const dynamodb = new DynamoDBClient({
      endpoint: await listen(tables),
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    {
      await using telemetry = await startTelemetry('api', { OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.endpoint}/` });
      assert.ok(telemetry);
      await dynamodb.send(new ListTablesCommand({}));
      const stored = await traced('POST /api/chat', { kind: 'server', attributes: { 'task.id': 'one' } }, () =>
        traced('append task', {}, async () => {
          await dynamodb.send(new ListTablesCommand({}));
          return currentTraceparent();
        }),
      );
      const published = await traced('publish TaskSubmitted', { parent: stored, kind: 'producer' }, async () =>
        currentTraceparent(),
      );
      await traced('run task', { parent: published, kind: 'consumer', links: [stored ?? '', 'garbage'] }, () =>
        traced('agent turn', {}, () => Promise.reject(new TypeError('words of a person'))),
      ).catch(() => undefined);
    }
    spans = receiver.spans();
  });
  after(async () => {
    tables.closeAllConnections();
    tables.close();
    await receiver[Symbol.asyncDispose]();
  });

  test('are one trace from the request to the agent, each the child of what led to it', () => {
    const chain = ['POST /api/chat', 'append task', 'publish TaskSubmitted', 'run task', 'agent turn'];
    const found = chain.map((name) => named(spans, name));
    assert.equal(new Set(found.map(({ traceId }) => traceId)).size, 1);
    assert.deepEqual(
      found.map(({ parentSpanId }) => parentSpanId),
      [undefined, ...found.slice(0, -1).map(({ spanId }) => spanId)],
    );
    assert.deepEqual(
      found.map(({ kind }) => kind),
      ['server', 'internal', 'producer', 'consumer', 'internal'],
    );
  });

  test('say which service they come from and carry the attributes they were given', () => {
    const { service, attributes } = named(spans, 'POST /api/chat');
    assert.equal(service, 'kiro-dispatch-api');
    assert.deepEqual(attributes, { 'task.id': 'one' });
  });

  test('are linked to the spans they were given, and to nothing for a traceparent that is none', () => {
    const { spanId } = named(spans, 'append task');
    assert.deepEqual(
      named(spans, 'run task').links.map((link) => link.spanId),
      [spanId],
    );
  });

  test('name the error of work that failed and keep its words to themselves', () => {
    for (const name of ['run task', 'agent turn']) {
      const { status, attributes, events } = named(spans, name);
      assert.deepEqual(status, { code: 2 });
      assert.deepEqual([attributes['error.type'], events], ['TypeError', []]);
    }
    assert.equal(named(spans, 'append task').status.code, 0);
  });

  test('include the calls to AWS made during the work, by clients loaded before telemetry was started', () => {
    const { kind, parentSpanId } = named(spans, 'DynamoDB.ListTables');
    assert.deepEqual([kind, parentSpanId], ['client', named(spans, 'append task').spanId]);
  });

  test('do not include calls to AWS that belong to no work, such as polls', () => {
    assert.equal(spans.filter(({ name }) => name === 'DynamoDB.ListTables').length, 1);
  });
});

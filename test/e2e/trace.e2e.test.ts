import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startOtlpReceiver } from '#test/support/otlp-receiver.ts';
import type { ReceivedSpan } from '#test/support/otlp-receiver.ts';
import { startSystem, temporaryDir } from '#test/support/system.ts';

/** The names of a span and of all that it is a part of, innermost first. */
const pathTo = (spans: readonly ReceivedSpan[], span: ReceivedSpan | undefined): string[] =>
  span === undefined
    ? []
    : [
        span.name,
        ...pathTo(
          spans,
          spans.find(({ spanId }) => spanId === span.parentSpanId),
        ),
      ];

describe('telemetry', () => {
  it('shows one task as one trace, from the request over store, bus and worker to the turn of the agent', async () => {
    await using receiver = await startOtlpReceiver();
    await using dir = await temporaryDir();
    await using system = await startSystem(dir.path, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint });
    const { taskId } = await system.outcome(await system.submit('trace me'));
    const isWhole = (spans: readonly ReceivedSpan[]) =>
      ['POST /api/chat', 'publish TaskSubmitted', 'run task', 'agent turn'].every((name) =>
        spans.some((span) => span.name === name),
      );
    const all = await receiver.waitFor(isWhole, 30_000);
    const request = all.find(({ name }) => name === 'POST /api/chat');
    const spans = all.filter(({ traceId }) => traceId === request?.traceId);
    const named = (name: string) => spans.find((span) => span.name === name);

    const path = ['agent turn', 'run task', 'publish TaskSubmitted', 'POST /api/chat'];
    assert.deepEqual(pathTo(spans, named('agent turn')), path);
    assert.deepEqual(
      ['POST /api/chat', 'publish TaskSubmitted', 'run task'].map((name) => [named(name)?.service, named(name)?.kind]),
      [
        ['kiro-dispatch-api', 'server'],
        ['kiro-dispatch-projector', 'producer'],
        ['kiro-dispatch-worker', 'consumer'],
      ],
    );
    assert.equal(named('run task')?.attributes['taskId'], taskId);
    assert.ok(
      spans.some(({ name }) => name.includes('TransactWriteItems')),
      'the append is part of the trace',
    );
    assert.doesNotMatch(JSON.stringify(all), /trace me/);
  });
});

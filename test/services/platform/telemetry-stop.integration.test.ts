/** Stopping while the collector does not answer. A file of its own: the SDK is registered once per process. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { startTelemetry, traced } from '#platform/telemetry.ts';

test('a collector that never answers holds a stopping service back for two seconds at most', async (t) => {
  // Longer than the wait that is tested, and short enough that the test's own process ends soon after.
  process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] = '4000';
  const asked = Promise.withResolvers<undefined>();
  const mute = createServer(() => asked.resolve(undefined));
  await once(mute.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    mute.closeAllConnections();
    mute.close();
  });
  const address = mute.address();
  assert.ok(address !== null && typeof address === 'object');
  const telemetry = await startTelemetry('worker', {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${address.port}`,
  });
  await traced('run task', {}, async () => undefined);
  const started = performance.now();
  await telemetry[Symbol.asyncDispose]();
  const tookMs = performance.now() - started;
  await asked.promise;
  assert.ok(tookMs < 3_000, `it took ${tookMs} ms`);
});

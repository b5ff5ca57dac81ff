/** Trace context without an SDK: what came in goes out again, and nothing is loaded that is not wanted. */
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { BadConfiguration } from '#platform/config.ts';
import { currentTraceparent, startTelemetry, traced, withTraceparent } from '#platform/telemetry.ts';

const hex = (length: number) =>
  fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: length, maxLength: length })
    .map((digits) => digits.map((digit) => digit.toString(16)).join(''))
    .filter((digits) => /[^0]/.test(digits));

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const valid = `00-${traceId}-${spanId}-01`;

void suite('trace context without an SDK', () => {
  test('a traceparent that comes in goes out as it was, across awaits', () =>
    fc.assert(
      fc.asyncProperty(hex(32), hex(16), fc.constantFrom('00', '01'), async (trace, span, flags) => {
        const traceparent = `00-${trace}-${span}-${flags}`;
        const seen = await withTraceparent(traceparent, async () => {
          await new Promise(setImmediate);
          return currentTraceparent();
        });
        assert.equal(seen, traceparent);
      }),
    ));

  test('a traced piece of work hands on the traceparent of its parent', async () => {
    const seen = await traced('run task', { parent: valid, kind: 'consumer' }, async () =>
      traced('agent turn', {}, async () => currentTraceparent()),
    );
    assert.equal(seen, valid);
  });

  test('work that belongs to no trace has no traceparent, also after work that did', async () => {
    await traced('run task', { parent: valid }, async () => undefined);
    assert.equal(await traced('run task', { parent: undefined }, async () => currentTraceparent()), undefined);
    assert.equal(currentTraceparent(), undefined);
  });

  test('a header that is no traceparent is as if it were not there', () => {
    const malformed = [
      '',
      'garbage',
      valid.toUpperCase(),
      `00-${'0'.repeat(32)}-${spanId}-01`,
      `00-${traceId}-${'0'.repeat(16)}-01`,
      `ff-${traceId}-${spanId}-01`,
      `${valid}-more`,
      ` ${valid}`,
      `00-${traceId}-${spanId}-1`,
    ];
    for (const header of malformed) assert.equal(withTraceparent(header, currentTraceparent), undefined, header);
    fc.assert(fc.property(fc.string(), (header) => withTraceparent(header, currentTraceparent) === undefined));
  });

  test('a later version of the header is read as far as it is known', () => {
    assert.equal(withTraceparent(`01-${traceId}-${spanId}-03-more`, currentTraceparent), valid);
  });

  test('a fault of the work reaches the caller as it is', async () => {
    const fault = new Error('no');
    await assert.rejects(
      traced('run task', {}, () => Promise.reject(fault)),
      (caught) => caught === fault,
    );
  });
});

void suite('telemetry that is not configured', () => {
  test('loads nothing', async () => {
    const loaded: string[] = [];
    const hooks = registerHooks({ load: (url, of, next) => (loaded.push(url), next(url, of)) });
    await using telemetry = await startTelemetry('api', { OTEL_EXPORTER_OTLP_ENDPOINT: '' });
    hooks.deregister();
    assert.ok(telemetry);
    assert.deepEqual(loaded, []);
  });

  test('refuses an endpoint that is no URL by name', async () => {
    await assert.rejects(startTelemetry('api', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }), (fault) => {
      assert.ok(fault instanceof BadConfiguration);
      assert.match(fault.message, /OTEL_EXPORTER_OTLP_ENDPOINT/);
      return true;
    });
  });
});

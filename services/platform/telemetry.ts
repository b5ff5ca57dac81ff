/** One trace from the request through bus, worker and agent: spans, and the traceparent that carries them from process to process. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { context, INVALID_SPAN_CONTEXT, isSpanContextValid, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes, Span, SpanContext, TracerProvider } from '@opentelemetry/api';
import { BadConfiguration } from './config.ts';

/** A service that is stopping does not wait longer than this for a collector. */
const flushMs = 2_000;
const pattern = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** W3C Trace Context: a later version may carry more behind the flags, version 00 may not. Anything else is as if it were not there. */
const parse = (traceparent: string): SpanContext | undefined => {
  const [, version, traceId = '', spanId = '', flags = '', more] = pattern.exec(traceparent) ?? [];
  const parsed = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(parsed) && (version !== '00' || more === undefined) ? parsed : undefined;
};

const format = ({ traceId, spanId, traceFlags }: SpanContext): string => `00-${traceId}-${spanId}-0${traceFlags & 1}`;

/** Without an SDK the API keeps no context, yet a trace that came in must go out again. */
const incoming = new AsyncLocalStorage<SpanContext>();

/** What a fact, a message or a child process is given so that it belongs to the trace of the work in hand. */
export const currentTraceparent = (): string | undefined => {
  const current = trace.getActiveSpan()?.spanContext() ?? incoming.getStore();
  return current && isSpanContextValid(current) ? format(current) : undefined;
};

/** Runs `work` as part of the trace that `traceparent` names, with or without telemetry; one that is absent or malformed changes nothing. */
export const withTraceparent = <T>(traceparent: string | undefined, work: () => T): T => {
  const parent = traceparent === undefined ? undefined : parse(traceparent);
  if (!parent) return work();
  return incoming.run(parent, () => context.with(trace.setSpanContext(context.active(), parent), work));
};

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

export type TracedOptions = {
  /** Ids, counts and durations. Never what a person or an agent wrote: collectors are read by others than the task's owner. */
  readonly attributes?: Attributes;
  /** The traceparent of the span that led here from another process; without one, the active span is the parent. */
  readonly parent?: string | undefined;
  readonly kind?: keyof typeof kinds;
  /** Traceparents of spans that this one belongs to without being their child, as the members of a batch. */
  readonly links?: readonly string[];
};

const tracer = trace.getTracer('kiro-dispatch');

/** Runs `work` in a span of its own. A rejection marks the span with the name of its error, not with its words, and goes on to the caller. */
export const traced = <T>(name: string, options: TracedOptions, work: (span: Span) => Promise<T>): Promise<T> => {
  const { attributes = {}, kind = 'internal', links = [] } = options;
  const linked = links.flatMap((link) => parse(link) ?? []).map((linkedTo) => ({ context: linkedTo }));
  const run = async (span: Span): Promise<T> => {
    try {
      return await work(span);
    } catch (fault) {
      span.setAttribute('error.type', fault instanceof Error ? fault.name : typeof fault);
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw fault;
    } finally {
      span.end();
    }
  };
  return withTraceparent(options.parent, () =>
    tracer.startActiveSpan(name, { attributes, kind: kinds[kind], links: linked }, run),
  );
};

/** Safety polls and heartbeats would be traces of one span each, thousands an hour: a call outside of any work makes no span. */
const withinWork = (provider: TracerProvider): TracerProvider => ({
  getTracer: (...of) => {
    const inner = provider.getTracer(...of);
    return {
      startSpan: (name, options, within = context.active()) =>
        trace.getSpan(within) ? inner.startSpan(name, options, within) : trace.wrapSpanContext(INVALID_SPAN_CONTEXT),
      startActiveSpan: inner.startActiveSpan.bind(inner),
    };
  },
});

/** The clients were loaded before the instrumentation: asking for the module that sends once more lets it be wrapped where it is. */
const wrapLoadedClients = (): void => {
  const clients = createRequire(createRequire(import.meta.url).resolve('@aws-sdk/client-dynamodb'));
  clients('@smithy/core/client');
};

/**
 * Sends the spans of this process to `OTEL_EXPORTER_OTLP_ENDPOINT`; without it nothing is loaded and nothing is recorded. May be called
 * when the service's modules are loaded already. Disposing sends what is left and never throws: telemetry stops no service.
 */
export const startTelemetry = async (service: string, env: NodeJS.ProcessEnv): Promise<AsyncDisposable> => {
  const endpoint = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (!endpoint) return { [Symbol.asyncDispose]: () => Promise.resolve() };
  if (!URL.canParse(endpoint)) throw new BadConfiguration(['OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL']);
  const [{ NodeSDK }, { OTLPTraceExporter }, { AwsInstrumentation }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/instrumentation-aws-sdk'),
  ]);
  const aws = new AwsInstrumentation();
  const sdk = new NodeSDK({
    serviceName: `kiro-dispatch-${service}`,
    traceExporter: new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` }),
    instrumentations: [aws],
    // Logs go to stdout, and metrics only where they are asked for: both would be sent to the collector otherwise.
    logRecordProcessors: [],
    ...(env['OTEL_METRICS_EXPORTER'] ? {} : { metricReaders: [] }),
  });
  sdk.start();
  aws.setTracerProvider(withinWork(trace.getTracerProvider()));
  wrapLoadedClients();
  return {
    [Symbol.asyncDispose]: () =>
      Promise.race([sdk.shutdown().catch(() => undefined), delay(flushMs, undefined, { ref: false })]),
  };
};

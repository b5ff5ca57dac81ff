/** A collector for tests: takes OTLP over HTTP as JSON and remembers the spans. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

const attributes = z
  .array(z.object({ key: z.string(), value: z.record(z.string(), z.json()) }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]])));

/** OTLP counts kinds from 1; 0 would be unspecified. */
const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

const span = z.object({
  name: z.string(),
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  kind: z.int().transform((kind) => kinds[kind] ?? 'unspecified'),
  attributes,
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
  /** 2 is an error. */
  status: z.object({ code: z.int().default(0), message: z.string().optional() }).default({ code: 0 }),
  events: z.array(z.object({ name: z.string(), attributes })).default([]),
});

const exportRequest = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(span) })),
    }),
  ),
});

/** `service` is the `service.name` of the process that sent it. */
export type ReceivedSpan = z.infer<typeof span> & { readonly service: unknown };

export type OtlpReceiver = AsyncDisposable & {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  readonly spans: () => readonly ReceivedSpan[];
  /** Resolves with all spans once `predicate` holds of them; rejects after `timeoutMs` with the names of what came instead. */
  readonly waitFor: (
    predicate: (spans: readonly ReceivedSpan[]) => boolean,
    timeoutMs: number,
  ) => Promise<readonly ReceivedSpan[]>;
};

export const startOtlpReceiver = async (): Promise<OtlpReceiver> => {
  const received: ReceivedSpan[] = [];
  const arrived = new EventTarget();
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      for (const { resource, scopeSpans } of exportRequest.parse(body).resourceSpans) {
        const service = resource.attributes['service.name'];
        received.push(...scopeSpans.flatMap(({ spans }) => spans.map((one) => ({ ...one, service }))));
      }
      response.setHeader('content-type', 'application/json').end('{}');
      arrived.dispatchEvent(new Event('spans'));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the receiver has no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    spans: () => [...received],
    waitFor: async (predicate, timeoutMs) => {
      const signal = AbortSignal.timeout(timeoutMs);
      while (!predicate(received)) {
        await once(arrived, 'spans', { signal }).catch((cause: unknown) => {
          throw new Error(`the spans did not come; there are: ${received.map(({ name }) => name).join(', ')}`, {
            cause,
          });
        });
      }
      return [...received];
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

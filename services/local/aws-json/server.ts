/** AWS JSON 1.1 over HTTP: one operation per `X-Amz-Target`, so that the unmodified SDK clients can talk to us. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Log } from '#platform/log.ts';
import { namesThisMachine } from '../loopback.ts';

/** What the caller did wrong, under the name AWS gives it. */
export class AwsFault extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export type Operation = (input: unknown) => object | Promise<object>;
/** Operations by target, such as `AWSEvents.PutEvents`. */
export type Operations = Readonly<Record<string, Operation>>;

/** A parameter that this stand-in does not know is refused, rather than silently left out of what is asked for. */
export const operation =
  <Input>(schema: z.ZodType<Input>, run: (input: Input) => object | Promise<object>, code = 'ValidationException') =>
  (input: unknown): object | Promise<object> => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) throw new AwsFault(code, z.prettifyError(parsed.error));
    return run(parsed.data);
  };

const bodyBytesMax = 8 * 1_048_576;

const readBody = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = z.instanceof(Buffer).parse(chunk);
    bytes += part.length;
    if (bytes > bodyBytesMax) throw new AwsFault('RequestEntityTooLargeException', 'the request is too large');
    chunks.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString() || '{}');
  } catch (cause) {
    throw new AwsFault('SerializationException', `the body is not JSON: ${String(cause)}`);
  }
};

const answer = async (operations: Operations, request: IncomingMessage): Promise<object> => {
  const target = request.headers['x-amz-target'];
  const run = typeof target === 'string' && Object.hasOwn(operations, target) ? operations[target] : undefined;
  if (run === undefined) throw new AwsFault('UnknownOperationException', `${String(target)} is not offered here`);
  return run(await readBody(request));
};

const send = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() });
  response.end(JSON.stringify(body));
};

export type AwsJson = AsyncDisposable & { readonly endpoint: string };

export const serveAwsJson = async (operations: Operations, port: number, log: Log): Promise<AwsJson> => {
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      if (!namesThisMachine(request.headers.host))
        throw new AwsFault('AccessDeniedException', 'not for this host name');
      send(response, 200, await answer(operations, request));
    } catch (fault) {
      const known = fault instanceof AwsFault;
      if (!known) log.problem('aws-json.failed', { target: request.headers['x-amz-target'], fault: String(fault) });
      const told = known ? { __type: fault.code, message: fault.message } : { __type: 'InternalFailure' };
      send(response, known ? 400 : 500, told);
    }
  };
  const server = createServer((request, response) => void respond(request, response));
  // Clients keep connections; a server that closes them first makes the next request fail.
  server.keepAliveTimeout = 0;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: actual } = z.object({ port: z.number() }).parse(server.address());
  return {
    endpoint: `http://127.0.0.1:${actual}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // An answer in the making gets a moment; its caller has lost nothing, because it repeats what was not answered.
        setTimeout(() => server.closeAllConnections(), 1_000).unref();
      }),
  };
};

/** SQS, SNS and S3 on this machine: fauxqs, held to the loopback interface. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance } from 'fastify';
import { startFauxqs } from 'fauxqs';
import type { FauxqsServer } from 'fauxqs';
import { namesThisMachine } from './loopback.ts';

export type Queues = AsyncDisposable & { readonly endpoint: string };

export type QueuesOptions = {
  /** Everything is kept here and found again; without it everything is gone with the process. */
  readonly dataDir?: string;
  /** 0 or none: any free port. */
  readonly port?: number;
  readonly region: string;
};

/** Answers that name a queue by its address. */
const namesQueues = /^AmazonSQS\.(CreateQueue|GetQueueUrl|ListQueues|ListDeadLetterSourceQueues)$/;
/** fauxqs writes the address as AWS does, with a host name that many resolvers do not know, and keeps the port of the day the queue was made. */
const queueHost = /http:\/\/sqs\.[a-z0-9-]+\.localhost(:\d+)?\//g;

/** fauxqs has no option for the interface it listens on and would take them all. */
const confine = (app: FastifyInstance, port: number): void => {
  const listen = app.listen.bind(app);
  app.listen = () => listen({ port, host: '127.0.0.1' });
  app.addHook('onRequest', async (request, reply) => {
    if (!namesThisMachine(request.headers.host)) await reply.code(403).send();
  });
  app.addHook('onSend', async (request, _reply, payload) =>
    typeof payload === 'string' && namesQueues.test(String(request.headers['x-amz-target']))
      ? payload.replaceAll(queueHost, `http://${request.headers.host ?? ''}/`)
      : payload,
  );
};

const isNews = (message: unknown): message is { fastify: FastifyInstance } =>
  typeof message === 'object' && message !== null && 'fastify' in message;

export const startQueues = async ({ dataDir, port = 0, region }: QueuesOptions): Promise<Queues> => {
  const onCreated = (message: unknown) => {
    if (isNews(message)) confine(message.fastify, port);
  };
  // The application is created before the first await of `startFauxqs`, so nobody else's is seen here.
  subscribe('fastify.initialization', onCreated);
  let starting: Promise<FauxqsServer>;
  try {
    starting = startFauxqs({
      port,
      logger: false,
      defaultRegion: region,
      ...(dataDir === undefined ? {} : { dataDir }),
    });
  } finally {
    unsubscribe('fastify.initialization', onCreated);
  }
  const server = await starting;
  return { endpoint: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.stop() };
};

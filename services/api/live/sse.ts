/** The live feed of one task as Server-Sent Events, for `curl -N` and for everything that a WebSocket does not get through. */
import { createRoute, z } from '@hono/zod-openapi';
import type { StreamId } from '#events/envelope.ts';
import { isOver } from '#events/task.ts';
import { problem, refusal } from '#platform/http/problem.ts';
import type { ApiApp, ApiParts } from '../env.ts';
import { wholeNumber } from '../paging.ts';
import { taskParams } from '../task-routes.ts';
import { readVisible } from '../tasks.ts';
import { follow } from './follow.ts';
import type { Frame } from './frame.ts';
import { liveMessage } from './protocol.ts';

const liveRoute = createRoute({
  method: 'get',
  path: '/api/task/{taskId}/live',
  summary: 'Follow a task (Server-Sent Events)',
  tags: ['Live'],
  request: {
    params: taskParams,
    query: z.strictObject({ after: wholeNumber(0, 1e15).optional() }),
    headers: z.object({ 'last-event-id': wholeNumber(0, 1e15).optional() }),
  },
  responses: {
    200: {
      description: 'The messages of the live channel; `id` is the version. Ends after the outcome.',
      content: { 'text/event-stream': { schema: z.string() } },
    },
    204: { description: 'The outcome was given already: there is nothing to reconnect for.' },
    404: refusal('not-found'),
    422: refusal('invalid-request'),
  },
});

const outcomes = new Set(['TaskCompleted', 'TaskFailed', 'TaskCancelled']);

const encode = (step: Frame | 'live', stream: StreamId): Buffer =>
  step === 'live'
    ? Buffer.concat([Buffer.from('data: '), liveMessage(stream), Buffer.from('\n\n')])
    : Buffer.concat([Buffer.from(`id: ${step.version}\ndata: `), step.bytes, Buffer.from('\n\n')]);

/** The next step, or 'silence' when none came for a while; the step that is waited for stays waited for. */
const stepWithin = async <Step>(next: Promise<Step>, ms: number): Promise<Step | 'silence'> => {
  const { promise, resolve } = Promise.withResolvers<'silence'>();
  const timer = setTimeout(() => resolve('silence'), ms);
  try {
    return await Promise.race([next, promise]);
  } finally {
    clearTimeout(timer);
  }
};

/** Read only as fast as the client takes it: a slow one waits for nobody and is waited for by nobody. */
export const eventStream = (
  steps: AsyncGenerator<Frame | 'live', undefined>,
  stream: StreamId,
  heartbeatMs: number,
  end: () => void,
): ReadableStream<Uint8Array> => {
  let next: ReturnType<typeof steps.next> | undefined;
  const letGo = (): void => {
    end();
    // Nobody takes another step: what `steps` holds at a yield is let go only by this.
    void steps.return(undefined);
  };
  const finish = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    letGo();
    controller.close();
  };
  return new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from('retry: 1000\n\n')),
    pull: async (controller) => {
      next ??= steps.next();
      const step = await stepWithin(next, heartbeatMs).catch((fault: unknown) => {
        letGo();
        throw fault;
      });
      if (step !== 'silence') next = undefined;
      if (step === 'silence') controller.enqueue(Buffer.from(': still here\n\n'));
      else if (step.done) finish(controller);
      else {
        controller.enqueue(encode(step.value, stream));
        if (step.value !== 'live' && outcomes.has(step.value.type)) finish(controller);
      }
    },
    cancel: letGo,
  });
};

export const addTaskLive = (app: ApiApp, { store, hub, access, stop, heartbeatMs }: ApiParts): void => {
  app.openapi(liveRoute, async (c) => {
    const { taskId } = c.req.valid('param');
    const stream = `task/${taskId}` as const;
    const after = c.req.valid('header')['last-event-id'] ?? c.req.valid('query').after ?? 0;
    const found = await readVisible(c.var.principal, taskId, store);
    if (!found) return problem(c, 'not-found');
    if (isOver(found.task) && after >= found.version) return c.body(null, 204);
    c.header('content-type', 'text/event-stream');
    // nginx would hold events back until its buffer is full.
    c.header('x-accel-buffering', 'no');
    if (c.req.method === 'HEAD') return c.body(null, 200);
    const ended = new AbortController();
    const held = access.hold(c.var.principal, () => ended.abort());
    const end = (): void => {
      ended.abort();
      held[Symbol.dispose]();
    };
    const signal = AbortSignal.any([ended.signal, stop]);
    return c.body(eventStream(follow(stream, after, { hub, store }, signal), stream, heartbeatMs, end), 200);
  });
};

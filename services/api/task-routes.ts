/** The routes of a task, as they are checked and as they are documented. */
import { createRoute, z } from '@hono/zod-openapi';
import { TaskId } from '#events/ids.ts';
import { refusal } from '#platform/http/problem.ts';
import { linkHeader, noQuery, wholeNumber } from './paging.ts';
import { CancelRequest } from './task-request.ts';
import { TaskView } from './task-view.ts';

export const taskParams = z.object({ taskId: TaskId });

const etagHeader = { etag: { required: true, schema: { type: 'string' }, description: 'The version.' } } as const;

export const readRoute = createRoute({
  method: 'get',
  path: '/api/task/{taskId}',
  summary: 'Read a task, as it is or as it was',
  tags: ['Tasks'],
  request: {
    params: taskParams,
    query: z.strictObject({
      wait: wholeNumber(0, 30).optional().openapi({ description: 'Seconds to wait for the version to move.' }),
      version: wholeNumber(0, 1e15).optional().openapi({ description: 'The version known already, for `wait`.' }),
      at: wholeNumber(1, 1e15).optional().openapi({ description: 'The task as it was at this version.' }),
    }),
    headers: z.object({ 'if-none-match': z.string().max(1_000).optional() }),
  },
  responses: {
    200: {
      description: 'The task.',
      headers: etagHeader,
      content: { 'application/json': { schema: TaskView } },
    },
    304: { description: 'The version is the one in `If-None-Match`.', headers: etagHeader },
    404: refusal('not-found'),
    422: refusal('invalid-request'),
  },
});

/** The envelope of a fact; the fields of its own type stand beside it. */
const StoredFact = z
  .object({
    id: z.uuid(),
    stream: z.string(),
    version: z.int(),
    type: z.string(),
    v: z.int(),
    at: z.iso.datetime(),
    actor: z.string(),
    correlationId: z.string(),
  })
  .openapi({ additionalProperties: true });

export const eventsRoute = createRoute({
  method: 'get',
  path: '/api/task/{taskId}/events',
  summary: 'The facts of a task, in order',
  tags: ['Tasks'],
  request: {
    params: taskParams,
    query: z.strictObject({ after: wholeNumber(0, 1e15).default(0), limit: wholeNumber(1, 1_000).default(100) }),
  },
  responses: {
    200: {
      description: 'Facts after version `after`; `next` is the `after` of the next page, if there is one.',
      headers: linkHeader,
      content: {
        'application/json': { schema: z.object({ events: z.array(StoredFact), next: z.int().optional() }) },
      },
    },
    404: refusal('not-found'),
    422: refusal('invalid-request'),
  },
});

export const cancelRoute = createRoute({
  method: 'post',
  path: '/api/task/{taskId}/cancel',
  summary: 'Ask a task to stop',
  tags: ['Tasks'],
  request: {
    params: taskParams,
    query: noQuery,
    body: { content: { 'application/json': { schema: CancelRequest } } },
  },
  responses: {
    202: {
      description: 'It is cancelled, or its worker is told to stop. Repeating this changes nothing.',
      content: { 'application/json': { schema: TaskView.pick({ taskId: true, status: true, version: true }) } },
    },
    404: refusal('not-found'),
    409: refusal('already-over'),
    422: refusal('invalid-request'),
  },
});

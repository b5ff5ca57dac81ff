/** `POST /api/chat`: a task is accepted when its first fact is stored, and only then. */
import { createRoute, z } from '@hono/zod-openapi';
import { catalog } from '#events/catalog.ts';
import { absent } from '#events/decider.ts';
import { TaskId, timeOf } from '#events/ids.ts';
import type { SessionId } from '#events/ids.ts';
import { task } from '#events/task.ts';
import { keepText } from '#platform/artifacts.ts';
import { handler } from '#platform/handle.ts';
import { dedupeOf, IdempotencyKey, requestHash } from '#platform/http/idempotency.ts';
import { problem, refusal } from '#platform/http/problem.ts';
import { originOf } from '#platform/http/request.ts';
import { uuidv7 } from '#platform/uuid.ts';
import type { ApiApp, ApiParts } from './env.ts';
import { overloaded } from './overload.ts';
import { noQuery } from './paging.ts';
import { taskRequest } from './task-request.ts';
import { isoTime } from './task-view.ts';

const Accepted = z
  .object({ taskId: z.uuid(), status: z.literal('pending'), createdAt: z.iso.datetime() })
  .openapi('AcceptedTask');

const submitRoute = (timeoutMsMax: number) =>
  createRoute({
    method: 'post',
    path: '/api/chat',
    summary: 'Submit a task',
    tags: ['Tasks'],
    request: {
      query: noQuery,
      headers: z.object({ 'idempotency-key': IdempotencyKey.optional() }),
      body: { required: true, content: { 'application/json': { schema: taskRequest(timeoutMsMax) } } },
    },
    responses: {
      202: {
        description: 'The task is stored and waits for a worker. `Location` is where it is read.',
        headers: {
          location: { required: true, schema: { type: 'string' } },
          'idempotency-replayed': { schema: { type: 'string', enum: ['true'] } },
        },
        content: { 'application/json': { schema: Accepted } },
      },
      422: refusal('invalid-request', 'idempotency-key-reused'),
      503: refusal('overloaded', 'unavailable'),
    },
  });

export const addSubmit = (app: ApiApp, { store, artifacts, clock, log, config, census, admission }: ApiParts): void => {
  const handle = handler(task, catalog.task.parseRow, store, clock);

  const ownsSession = async (owner: string, sessionId: SessionId): Promise<boolean> =>
    (await store.readRow(`session/${sessionId}`))?.row['owner'] === owner;

  app.openapi(submitRoute(config.TASK_TIMEOUT_MS), async (c) => {
    const tooMuch = admission.refusal();
    if (tooMuch) return overloaded(c, tooMuch);
    using _place = admission.enter();
    const principal = c.var.principal;
    const owner = principal.accountId;
    const body = c.req.valid('json');
    const { message, ...asked } = body;
    if (asked.sessionId !== undefined && !(await ownsSession(owner, asked.sessionId))) {
      return problem(c, 'invalid-request', { errors: [{ pointer: '/sessionId', detail: 'is no session of yours' }] });
    }
    const now = clock();
    const taskId = TaskId.parse(uuidv7(now));
    const accepted = { taskId, status: 'pending' as const, createdAt: isoTime(timeOf(taskId)) };
    const request = { principal, method: c.req.method, path: c.req.path, body };
    const key = c.req.valid('header')['idempotency-key'];
    const handled = await handle(
      `task/${taskId}`,
      { type: 'submit', ...asked, owner, prompt: await keepText(message, artifacts), attemptsMax: config.ATTEMPTS_MAX },
      originOf(c.var),
      {
        known: { state: absent, version: 0 },
        ...(key === undefined ? {} : { dedupe: dedupeOf(key, request, JSON.stringify(accepted), now) }),
      },
    );
    if (handled.outcome === 'duplicate') {
      if (handled.requestHash !== requestHash(request)) return problem(c, 'idempotency-key-reused');
      const first = Accepted.parse(JSON.parse(handled.result));
      c.header('idempotency-replayed', 'true');
      c.header('location', `/api/task/${first.taskId}`);
      return c.json(first, 202);
    }
    if (handled.outcome !== 'appended') throw new Error(`a new task was ${handled.outcome}`);
    census.foretell(handled.commit);
    log('task.submitted', { taskId, accountId: owner, requestId: c.var.requestId });
    c.header('location', `/api/task/${taskId}`);
    return c.json(accepted, 202);
  });
};

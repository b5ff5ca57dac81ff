/** `GET /api/tasks`: a member's own, everybody's for those who see everything; the newest first. */
import { createRoute, z } from '@hono/zod-openapi';
import { Task, TaskStatus } from '#events/task.ts';
import { seesEverything } from '#platform/http/principal.ts';
import type { Principal } from '#platform/http/principal.ts';
import { refusal } from '#platform/http/problem.ts';
import type { ListQuery } from '#platform/store.ts';
import type { ApiApp, ApiParts } from './env.ts';
import { linkHeader, linkNext, pageQuery } from './paging.ts';
import { itemOf, TaskListItem } from './task-view.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/api/tasks',
  summary: 'List tasks, newest first',
  tags: ['Tasks'],
  request: { query: z.strictObject({ status: TaskStatus.optional(), ...pageQuery }) },
  responses: {
    200: {
      description: 'Own tasks, or all of them for operators. `next` is the cursor of the next page, if there is one.',
      headers: linkHeader,
      content: {
        'application/json': { schema: z.object({ tasks: z.array(TaskListItem), next: z.string().optional() }) },
      },
    },
    422: refusal('invalid-request'),
  },
});

type Asked = { readonly status?: TaskStatus | undefined; readonly limit: number; readonly cursor?: string | undefined };

const queryOf = (principal: Principal, { status, limit, cursor }: Asked): ListQuery => {
  const byOwner = seesEverything(principal) ? undefined : ({ field: 'owner', equals: principal.accountId } as const);
  const byStatus = status === undefined ? undefined : ({ field: 'status', equals: status } as const);
  return {
    ...(byOwner ? { by: byOwner, ...(byStatus && { and: byStatus }) } : byStatus && { by: byStatus }),
    order: 'newest-first',
    limit,
    ...(cursor === undefined ? {} : { after: cursor }),
  };
};

export const addTaskList = (app: ApiApp, { store }: ApiParts): void => {
  app.openapi(listRoute, async (c) => {
    const { rows, next } = await store.listRows('task', queryOf(c.var.principal, c.req.valid('query')));
    const tasks = rows.map(({ row, version }) => itemOf(Task.parse(row), version));
    if (next === undefined) return c.json({ tasks }, 200);
    linkNext(c, 'cursor', next);
    return c.json({ tasks, next }, 200);
  });
};

/** A task and its history: read, waited for, seen as it was, cancelled. */
import { catalog } from '#events/catalog.ts';
import { absent } from '#events/decider.ts';
import type { TaskId } from '#events/ids.ts';
import { isOver, parseTaskEvent, Task, task } from '#events/task.ts';
import type { TaskState } from '#events/task.ts';
import { handler } from '#platform/handle.ts';
import { unauthenticated } from '#platform/http/bearer.ts';
import { maySee } from '#platform/http/principal.ts';
import type { Principal } from '#platform/http/principal.ts';
import { problem } from '#platform/http/problem.ts';
import { originOf } from '#platform/http/request.ts';
import type { Store } from '#platform/store.ts';
import type { ApiApp, ApiParts } from './env.ts';
import type { Watched } from './live/hub.ts';
import { linkNext } from './paging.ts';
import { cancelRoute, eventsRoute, readRoute } from './task-routes.ts';
import { viewOf } from './task-view.ts';

export type VisibleTask = { readonly task: Task; readonly version: number };

/** The task, unless it does not exist or is another's: to the caller these are the same. */
export const readVisible = async (
  principal: Principal,
  taskId: TaskId,
  { readRow }: Pick<Store, 'readRow'>,
): Promise<VisibleTask | undefined> => {
  const stored = await readRow(`task/${taskId}`);
  if (!stored) return undefined;
  const found = Task.parse(stored.row);
  return maySee(principal, found.owner) ? { task: found, version: stored.version } : undefined;
};

/** The fold of the first `at` facts. */
const foldUntil = async (taskId: TaskId, at: number, { readStream }: Pick<Store, 'readStream'>): Promise<Task> => {
  let state: TaskState = absent;
  for (let version = 0; version < at;) {
    const page = await readStream(`task/${taskId}`, version, at - version);
    if (page.length === 0) throw new Error(`task/${taskId} has no fact after ${version}`);
    for (const fact of page) {
      state = task.evolve(state, parseTaskEvent(fact));
      version = fact.version;
    }
  }
  if (state.status === 'absent') throw new Error(`task/${taskId} has no facts`);
  return state;
};

/** The versions that `If-None-Match` names: the tags of a task are its versions. */
const versionsIn = (header: string | undefined): number[] =>
  [...(header ?? '').matchAll(/"(\d{1,15})"/g)].map(([, version]) => Number(version));

/** Reads until the task has moved beyond a version, is over, or `signal` aborts. */
const readMoved = async (
  read: () => Promise<VisibleTask | undefined>,
  beyond: number | undefined,
  watched: Watched,
  signal: AbortSignal,
): Promise<VisibleTask | undefined> => {
  let found = await read();
  const known = beyond ?? found?.version ?? 0;
  while (found && found.version <= known && !isOver(found.task) && !signal.aborted) {
    const { version } = found;
    await watched.bell.until(() => watched.tail.last() > version, signal);
    found = await read();
  }
  return found;
};

const addRead = (app: ApiApp, { store, artifacts, hub, keys, stop }: ApiParts): void => {
  app.openapi(readRoute, async (c) => {
    const { taskId } = c.req.valid('param');
    const { wait, version, at } = c.req.valid('query');
    const principal = c.var.principal;
    const known = versionsIn(c.req.valid('header')['if-none-match']);
    const read = () => readVisible(principal, taskId, store);
    let found: VisibleTask | undefined;
    if (wait === undefined) found = await read();
    else {
      using watched = hub.watch(`task/${taskId}`);
      const limit = AbortSignal.any([AbortSignal.timeout(wait * 1000), c.req.raw.signal, stop]);
      found = await readMoved(read, version ?? known.at(-1), watched, limit);
      // The key may have been revoked while its holder waited.
      if (!(await keys.renew(principal))) return unauthenticated(c, 'The key is revoked.', ', error="invalid_token"');
    }
    if (!found || (at !== undefined && at > found.version)) return problem(c, 'not-found');
    const shown = at === undefined ? found : { task: await foldUntil(taskId, at, store), version: at };
    c.header('etag', `"${shown.version}"`);
    c.header('cache-control', 'private, no-cache');
    if (known.includes(shown.version)) return c.body(null, 304);
    return c.json(await viewOf(shown.task, shown.version, artifacts), 200);
  });
};

const addEvents = (app: ApiApp, { store }: ApiParts): void => {
  app.openapi(eventsRoute, async (c) => {
    const { taskId } = c.req.valid('param');
    const { after, limit } = c.req.valid('query');
    const found = await readVisible(c.var.principal, taskId, store);
    if (!found) return problem(c, 'not-found');
    const events = await store.readStream(`task/${taskId}`, after, limit);
    const last = events.at(-1)?.version ?? found.version;
    if (last >= found.version) return c.json({ events: [...events] }, 200);
    linkNext(c, 'after', String(last));
    return c.json({ events: [...events], next: last }, 200);
  });
};

const addCancel = (app: ApiApp, { store, clock, log }: ApiParts): void => {
  const handle = handler(task, catalog.task.parseRow, store, clock);
  app.openapi(cancelRoute, async (c) => {
    const { taskId } = c.req.valid('param');
    const { reason } = c.req.valid('json');
    const found = await readVisible(c.var.principal, taskId, store);
    if (!found) return problem(c, 'not-found');
    const command = { type: 'request-cancel', ...(reason === undefined ? {} : { reason }) } as const;
    const known = { state: found.task, version: found.version };
    const handled = await handle(`task/${taskId}`, command, originOf(c.var), { known });
    if (handled.outcome === 'refused') return problem(c, 'already-over');
    if (handled.outcome === 'fenced' || handled.outcome === 'duplicate')
      throw new Error(`cancel was ${handled.outcome}`);
    log('task.cancel-requested', { taskId, accountId: c.var.principal.accountId, requestId: c.var.requestId });
    const status = handled.state.status === 'absent' ? found.task.status : handled.state.status;
    return c.json({ taskId, status, version: handled.version }, 202);
  });
};

export const addTasks = (app: ApiApp, parts: ApiParts): void => {
  addRead(app, parts);
  addEvents(app, parts);
  addCancel(app, parts);
};

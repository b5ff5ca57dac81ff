/** The Kiro API as a client sees it, in memory, on a real socket, with every way it can let a client down. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { absent } from '#events/decider.ts';
import { rootOf } from '#events/envelope.ts';
import type { StreamId } from '#events/envelope.ts';
import { parseTaskEvent, task } from '#events/task.ts';
import type { StoredTaskEvent, TaskEvent, TaskState } from '#events/task.ts';
import { previewOf } from '#events/text.ts';
import { stored } from '#test/support/given.ts';
import { taskId as nthTaskId } from '#test/support/ids.ts';
import { submitted } from './facts.ts';
import { liveDoor } from './fake-live.ts';
import type { LiveFault } from './fake-live.ts';

/** What happens to a request instead of, or after, its being carried out. */
export type HttpFault =
  | { readonly status: number; readonly body?: unknown; readonly retryAfter?: string }
  /** Carried out, but the answer never arrives. */
  | 'lost-answer'
  | 'dropped';

export type SeenRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
};

export type FakeService = AsyncDisposable & {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Taken by one request each, in order. */
  readonly httpFaults: HttpFault[];
  /** Taken by one live connection each, in order. */
  readonly liveFaults: LiveFault[];
  /** The positions that live subscriptions began behind. */
  readonly askedAfter: number[];
  readonly sessions: object[];
  readonly addTask: (...facts: TaskEvent[]) => string;
  readonly append: (taskId: string, ...facts: TaskEvent[]) => void;
  readonly facts: (taskId: string) => readonly StoredTaskEvent[];
  readonly taskIds: () => string[];
  /** Resolves with the next subscription on the live channel. */
  readonly subscribed: () => Promise<void>;
  /** Resolves with the next ping of a client on the live channel. */
  readonly pinged: () => Promise<void>;
  readonly dropConnections: () => void;
};

export const key = 'fake-key';

const Submission = z.looseObject({ message: z.string() });
const idIn = (path: string): string => path.split('/')[3] ?? '';

export const viewOf = (facts: readonly StoredTaskEvent[]) => {
  const row = facts.reduce<TaskState>(task.evolve, absent);
  if (row.status === 'absent') throw new Error('a task without facts');
  const time = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());
  return {
    ...row,
    version: facts.length,
    prompt: previewOf(row.prompt),
    result: row.result && previewOf(row.result),
    createdAt: time(row.createdAt),
    startedAt: time(row.startedAt),
    finishedAt: time(row.finishedAt),
  };
};

const createTasks = () => {
  const tasks = new Map<string, StoredTaskEvent[]>();
  const appended = new EventTarget();
  const append = (taskId: string, ...facts: TaskEvent[]): void => {
    const history = tasks.get(taskId) ?? [];
    const stream: StreamId = `task/${taskId}`;
    tasks.set(taskId, [...history, ...stored(stream, facts, history.length).map(parseTaskEvent)]);
    appended.dispatchEvent(new Event('append'));
  };
  const addTask = (...facts: TaskEvent[]): string => {
    const taskId = nthTaskId(tasks.size + 1);
    append(taskId, ...facts);
    return taskId;
  };
  return { tasks, appended, append, addTask };
};

type Tasks = ReturnType<typeof createTasks>;
type Answer = { readonly status: number; readonly body: unknown };

const problem = (status: number, title: string, more: object = {}): Answer => ({
  status,
  body: { type: 'https://kiro-dispatch.dev/problems/x', title, status, ...more },
});

const createAnswers = ({ tasks, addTask, append }: Tasks, sessions: readonly object[]) => {
  const byIdempotencyKey = new Map<string, string>();
  const submit = ({ headers, body }: SeenRequest): Answer => {
    const parsed = Submission.safeParse(body);
    if (!parsed.success || parsed.data.message === '') {
      const errors = [{ pointer: '/message', detail: 'must not be blank' }];
      return problem(422, 'The request is not valid.', { errors });
    }
    const idempotencyKey = String(headers['idempotency-key']);
    const taskId = byIdempotencyKey.get(idempotencyKey) ?? addTask(submitted(parsed.data.message));
    byIdempotencyKey.set(idempotencyKey, taskId);
    return { status: 202, body: { taskId, status: 'pending', createdAt: '2026-01-01T00:00:00.000Z' } };
  };
  const page = (name: string, all: readonly unknown[], query: URLSearchParams): Answer => {
    const from = Number(query.get('cursor') ?? 0);
    const to = from + Number(query.get('limit'));
    const next = to < all.length ? { next: String(to) } : {};
    return { status: 200, body: { [name]: all.slice(from, to), ...next } };
  };
  const events = (facts: readonly StoredTaskEvent[], query: URLSearchParams): Answer => {
    const after = Number(query.get('after'));
    const shown = facts.slice(after, after + Math.min(2, Number(query.get('limit'))));
    const last = after + shown.length;
    return { status: 200, body: { events: shown, ...(last < facts.length ? { next: last } : {}) } };
  };
  const cancel = (taskId: string, facts: readonly StoredTaskEvent[]): Answer => {
    const decision = task.decide(facts.reduce<TaskState>(task.evolve, absent), { type: 'request-cancel' });
    if (!decision.accepted) return problem(409, 'The task is over.');
    append(taskId, ...decision.facts);
    return { status: 202, body: { taskId, status: viewOf(tasks.get(taskId) ?? []).status } };
  };
  return (request: SeenRequest): Answer => {
    const { pathname, searchParams } = new URL(request.path, 'http://fake');
    if (request.headers.authorization !== `Bearer ${key}`) {
      return problem(401, 'A valid API key is needed.', { detail: 'The key is unknown or revoked.' });
    }
    if (pathname === '/api/chat') return submit(request);
    if (pathname === '/api/sessions') return page('sessions', sessions, searchParams);
    if (pathname === '/api/tasks') {
      const views = [...tasks.values()]
        .map(viewOf)
        .filter(({ status }) => status === (searchParams.get('status') ?? status));
      return page('tasks', views.reverse(), searchParams);
    }
    const facts = tasks.get(idIn(pathname));
    if (!facts) return problem(404, 'There is no such thing, or it is not yours to see.');
    if (pathname.endsWith('/events')) return events(facts, searchParams);
    return pathname.endsWith('/cancel') ? cancel(idIn(pathname), facts) : { status: 200, body: viewOf(facts) };
  };
};

const send = (response: ServerResponse, { status, body }: Answer, retryAfter?: string): void => {
  response.statusCode = status;
  if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
};

export const startFakeService = async (): Promise<FakeService> => {
  const world = createTasks();
  const sessions: object[] = [];
  const seen: SeenRequest[] = [];
  const httpFaults: HttpFault[] = [];
  const answer = createAnswers(world, sessions);
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = request;
    const asked = { method, path, headers, body: method === 'POST' ? await json(request) : undefined };
    seen.push(asked);
    const fault = httpFaults.shift();
    if (fault === 'dropped') return void request.socket.destroy();
    if (typeof fault === 'object') {
      send(response, { status: fault.status, body: fault.body }, fault.retryAfter);
      return;
    }
    const answered = answer(asked);
    if (fault === 'lost-answer') return void request.socket.destroy();
    send(response, answered);
  };
  const server = createServer((request, response) => void serve(request, response));
  const door = liveDoor((stream) => world.tasks.get(rootOf(stream)), world.appended, key);
  server.on('upgrade', door.upgrade);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the fake has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    ...{ seen, httpFaults, sessions, liveFaults: door.faults, askedAfter: door.askedAfter },
    addTask: world.addTask,
    append: world.append,
    facts: (taskId) => world.tasks.get(taskId) ?? [],
    taskIds: () => [...world.tasks.keys()],
    subscribed: door.subscribed,
    pinged: door.pinged,
    dropConnections: door.drop,
    [Symbol.asyncDispose]: async () => {
      door.drop();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

/** What is asked about everything but one's own task: lists, sessions, tickets, other people's tasks; and a restart in between. */
import assert from 'node:assert/strict';
import { sessionId, workerId } from '#test/support/ids.ts';
import type { TaskStatus } from '#events/task.ts';
import { z } from 'zod';
import { openSession } from '../../services/api/world.ts';
import { statusOf, versionOf } from './sequence-model.ts';
import type { Model } from './sequence-model.ts';
import { command, ofTask, ok } from './sequence-world.ts';
import type { Command, Real } from './sequence-world.ts';

const Page = z.object({
  tasks: z.array(z.object({ taskId: z.string(), status: z.string(), version: z.int(), owner: z.string() })),
  next: z.string().optional(),
});
type Item = z.infer<typeof Page>['tasks'][number];

/** All pages, each found by the link of the one before. */
const pages = async ({ ask }: Real, first: string, limit: number, as: 'alice' | 'bob' | 'olga'): Promise<Item[]> => {
  const items: Item[] = [];
  for (let address: string | undefined = first; address !== undefined;) {
    const answer = ok(await ask('GET', address, { as }), 200);
    const { tasks, next } = Page.parse(JSON.parse(answer.text));
    assert.ok(tasks.length <= limit);
    items.push(...tasks);
    address = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
    assert.equal(address !== undefined, next !== undefined);
  }
  return items;
};

const expectedList = ({ tasks }: Model, status: TaskStatus | undefined) =>
  tasks
    .filter((task) => status === undefined || statusOf(task) === status)
    .map((task) => ({ taskId: task.taskId, status: statusOf(task), version: versionOf(task) }))
    .reverse();

export const list = (status: TaskStatus | undefined, limit: number): Command =>
  command(`list(${status ?? 'all'}, ${limit})`, async (model, real) => {
    const address = `/api/tasks?limit=${limit}${status === undefined ? '' : `&status=${status}`}`;
    const own = await pages(real, address, limit, 'alice');
    const expected = expectedList(model, status);
    assert.deepEqual(
      own.map(({ owner: _, ...item }) => item),
      expected,
    );
    const others = await pages(real, address, limit, 'bob');
    assert.ok(others.every(({ owner }) => owner === 'bobBBBBBBBBB'));
    const all = await pages(real, address, limit, 'olga');
    const among = all.filter(({ owner }) => owner === 'aliceAAAAAAA').map(({ taskId }) => taskId);
    assert.deepEqual(
      among,
      expected.map(({ taskId }) => taskId),
    );
  });

/** To another member a task is not there; to whoever has no key nothing is. */
export const pry = (pick: number): Command =>
  ofTask('pry', pick, async ({ taskId }, { ask }) => {
    const address = `/api/task/${taskId}`;
    for (const [method, path] of [
      ['GET', address],
      ['GET', `${address}?at=1`],
      ['GET', `${address}/events`],
      ['GET', `${address}/live`],
      ['POST', `${address}/cancel`],
    ] as const) {
      ok(await ask(method, path, { as: 'bob' }), 404);
      ok(await ask(method, path, { as: 'nobody' }), 401);
    }
    ok(await ask('GET', address, { as: 'olga' }), 200);
  });

const sessionsMax = 3;

export const startSession: Command = command(
  'startSession',
  async ({ sessions }, { world }) => {
    const n = sessions.length + 1;
    world.time.now += 1;
    await openSession(world, sessionId(n), 'alice', n);
    sessions.push({ id: sessionId(n), status: 'created' });
  },
  ({ sessions }) => sessions.length < sessionsMax,
);

const nth = (id: string): number => Number(id.slice(-1));

const ofSession = (
  name: string,
  pick: number,
  run: (session: Model['sessions'][number], real: Real, model: Model) => Promise<void>,
): Command =>
  command(
    `${name}(${pick})`,
    async (model, real) => {
      const session = model.sessions[pick % model.sessions.length];
      if (session) await run(session, real, model);
    },
    ({ sessions }) => sessions.length > 0,
  );

/** A worker begins a turn on it. */
export const busySession = (pick: number): Command =>
  ofSession('busySession', pick, async (session, { world }, { tasks: [task] }) => {
    if (session.status !== 'created' || !task) return;
    const { id } = session;
    const holder = { workerId: workerId(nth(id)), generation: 1 };
    await world.moveSession(sessionId(nth(id)), { type: 'activate', taskId: task.taskId, ...holder });
    session.status = 'active';
  });

const Session = z.object({ sessionId: z.string(), status: z.string() });

export const closeSession = (pick: number): Command =>
  ofSession('closeSession', pick, async (session, { ask }) => {
    const address = `/api/session/${session.id}`;
    ok(await ask('POST', `${address}/close`, { as: 'bob' }), 404);
    const answer = ok(await ask('POST', `${address}/close`), session.status === 'active' ? 409 : 202);
    if (session.status !== 'active') {
      session.status = 'closed';
      assert.equal(Session.parse(JSON.parse(answer.text)).status, 'closed');
    }
    const now = Session.parse(JSON.parse(ok(await ask('GET', address), 200).text));
    assert.deepEqual(now, { sessionId: session.id, status: session.status });
  });

export const listSessions: Command = command('listSessions', async ({ sessions }, { ask }) => {
  const read = async (as: 'alice' | 'bob') =>
    z.object({ sessions: z.array(Session) }).parse(JSON.parse(ok(await ask('GET', '/api/sessions', { as }), 200).text));
  const own = sessions.map(({ id, status }) => ({ sessionId: id, status })).reverse();
  assert.deepEqual((await read('alice')).sessions, own);
  assert.deepEqual((await read('bob')).sessions, []);
});

const Ticket = z.object({ ticket: z.string() });

/** Once, within thirty seconds. */
export const useTicket = (afterSeconds: number): Command =>
  command(`useTicket(${afterSeconds})`, async (_, { ask, world }) => {
    const { ticket } = Ticket.parse(JSON.parse(ok(await ask('POST', '/api/live/ticket'), 200).text));
    world.time.now += afterSeconds * 1_000;
    const address = `/api/live?ticket=${ticket}`;
    ok(await ask('GET', address, { as: 'nobody' }), afterSeconds < 30 ? 101 : 401);
    ok(await ask('GET', address, { as: 'nobody' }), 401);
  });

export const restart: Command = command('restart', async (_, real) => real.restart());

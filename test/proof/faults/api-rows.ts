/** Everything a client can ask of the API: the rows whose requests are made while it waits for an answer. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { SessionId, TaskId, WorkerId } from '#events/ids.ts';
import type { AccountId } from '#events/ids.ts';
import type { TaskCommand } from '#events/task.ts';
import { uuidv7 } from '#platform/uuid.ts';
import { hashOf } from '#platform/http/api-key.ts';
import type { Cell } from './cells.ts';
import { clientOf, patienceMs } from './client.ts';
import type { Stage } from './client.ts';
import { origin, TaskAnswer } from './world.ts';
import type { World } from './world.ts';

export type Row = {
  readonly name: string;
  /** Throws what is wrong with the answers; what is stored in the end is looked at when all rows are done. */
  readonly run: (stage: Stage, cell: Cell) => Promise<void>;
};

const longText = 'long '.repeat(10_000);

/** A key of its own for every cell: nobody else's tasks are in its lists. */
const newcomer = async (stage: Stage, cell: Cell) => {
  const { key, accountId } = await stage.world.newKey();
  return { ...clientOf(stage, cell, key), key, accountId };
};

const submission = (message: string, mark: string, more: object = {}) => ({
  ...({ method: 'POST', path: '/api/chat' } as const),
  body: { message, metadata: { mark }, ...more },
});

/** A task that nobody but the proof works on. */
export const seedTask = async ({ handleTask }: World, owner: AccountId): Promise<TaskId> => {
  const taskId = TaskId.parse(uuidv7(Date.now()));
  const prompt = { kind: 'inline', text: 'say hello' } as const;
  const submit = { type: 'submit', owner, prompt, priority: 'normal', timeoutMs: 60_000, attemptsMax: 3 } as const;
  assert.equal((await handleTask(`task/${taskId}`, submit, origin)).outcome, 'appended');
  return taskId;
};

const hand = (world: World, taskId: TaskId) => {
  const workerId = WorkerId.parse(uuidv7(Date.now()));
  const move = async (command: TaskCommand): Promise<void> => {
    const { outcome } = await world.handleTask(`task/${taskId}`, command, { ...origin, actor: `worker:${workerId}` });
    assert.equal(outcome, 'appended');
  };
  const sessionId = SessionId.parse(uuidv7(Date.now()));
  const result = { kind: 'inline', text: 'done' } as const;
  return {
    start: () => move({ type: 'start', workerId, sessionId }),
    report: (seq: number) =>
      move({ type: 'progress', attempt: 1, seq, updates: [{ kind: 'text', text: `word ${seq}` }] }),
    complete: () => move({ type: 'complete', attempt: 1, result, stopReason: 'end_turn' }),
    confirmCancel: () => move({ type: 'confirm-cancel', attempt: 1 }),
  };
};

/** What it was told counts, whoever told it: once or again after an answer that never came. */
const submit = async (stage: Stage, cell: Cell, message: string, withKey: boolean): Promise<void> => {
  const { ask, settle } = await newcomer(stage, cell);
  const mark = randomUUID();
  const invoked = stage.recorder.invoke('submit', mark);
  const asked = { ...submission(message, mark), ...(withKey && { idempotencyKey: mark }) };
  const answer = withKey ? await settle(asked, 202) : await ask(asked, 202);
  if (!answer) return;
  const { taskId, status } = TaskAnswer.parse(answer.body);
  invoked.ok({ taskId, version: 1, status });
  if (!withKey) return;
  const again = await settle(asked, 202);
  assert.equal(TaskAnswer.parse(again.body).taskId, taskId, 'the same key led to another task');
  assert.equal(again.headers.get('idempotency-replayed'), 'true');
};

const Prompted = z.looseObject({ prompt: z.string() });
const List = z.object({ tasks: z.array(z.looseObject({ taskId: z.string(), status: z.string() })) });
const Events = z.object({ events: z.array(z.looseObject({ version: z.int() })) });

const submitLong: Row['run'] = async (stage, cell) => {
  const { key, settle } = await newcomer(stage, cell);
  const mark = randomUUID();
  const invoked = stage.recorder.invoke('submit', mark);
  const answer = await settle({ ...submission(longText, mark), idempotencyKey: mark }, 202);
  const { taskId, status } = TaskAnswer.parse(answer.body);
  invoked.ok({ taskId, version: 1, status });
  const read = await clientOf(stage, cell, key).settle({ method: 'GET', path: `/api/task/${taskId}` }, 200);
  assert.equal(Prompted.parse(read.body).prompt, longText);
};

const read: Row['run'] = async (stage, cell) => {
  const { accountId, settle } = await newcomer(stage, cell);
  const taskId = await seedTask(stage.world, accountId);
  const { body } = await settle({ method: 'GET', path: `/api/task/${taskId}` }, 200);
  const seen = TaskAnswer.parse(body);
  assert.deepEqual([seen.taskId, seen.status, seen.version], [taskId, 'pending', 1]);
};

const events: Row['run'] = async (stage, cell) => {
  const { accountId, settle } = await newcomer(stage, cell);
  const taskId = await seedTask(stage.world, accountId);
  const { start, complete } = hand(stage.world, taskId);
  await start();
  await complete();
  const { body } = await settle({ method: 'GET', path: `/api/task/${taskId}/events` }, 200);
  assert.deepEqual(
    Events.parse(body).events.map(({ version }) => version),
    [1, 2, 3],
  );
};

/** A list may be a moment behind; it never shows a row as it is no more, nor one twice. */
const list: Row['run'] = async (stage, cell) => {
  const { accountId, settle } = await newcomer(stage, cell);
  const tasks = [await seedTask(stage.world, accountId), await seedTask(stage.world, accountId)] as const;
  const pending = { method: 'GET', path: '/api/tasks?status=pending' } as const;
  const { start, complete } = hand(stage.world, tasks[0]);
  const before = List.parse((await settle(pending, 200)).body).tasks;
  await start();
  await complete();
  const after = List.parse((await settle(pending, 200)).body).tasks;
  for (const shown of [before, after]) {
    assert.ok(shown.every(({ status }) => status === 'pending'));
    assert.equal(new Set(shown.map(({ taskId }) => taskId)).size, shown.length);
  }
  assert.ok(
    after.every(({ taskId }) => taskId === tasks[1]),
    'a task that is over is listed as pending',
  );
  if (cell.struck === 0) assert.deepEqual([before.length, after.length], [2, 1]);
  cell.disarm();
  const last = List.parse((await settle(pending, 200)).body).tasks;
  assert.deepEqual(
    last.map(({ taskId }) => taskId),
    [tasks[1]],
  );
};

const cancel = async (stage: Stage, cell: Cell, isRunning: boolean): Promise<void> => {
  const { accountId, settle } = await newcomer(stage, cell);
  const taskId = await seedTask(stage.world, accountId);
  const { start, confirmCancel } = hand(stage.world, taskId);
  if (isRunning) await start();
  const invoked = stage.recorder.invoke('cancel', taskId);
  const { body } = await settle({ method: 'POST', path: `/api/task/${taskId}/cancel`, body: {} }, 202);
  const said = TaskAnswer.parse(body);
  invoked.ok({ taskId, version: said.version ?? 0, status: said.status });
  assert.equal(said.status, isRunning ? 'processing' : 'cancelled');
  if (isRunning) await confirmCancel();
  const seen = await settle({ method: 'GET', path: `/api/task/${taskId}` }, 200);
  assert.equal(TaskAnswer.parse(seen.body).status, 'cancelled');
};

/** Nothing of a cell goes on once it has failed. */
const allEnded = async <One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> => {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
};

const Told = z.object({ type: z.string(), version: z.int().optional() });

/** Connects again after every broken channel, with a new ticket, from the version it saw last. */
const follow = async (stage: Stage, cell: Cell, key: string, taskId: TaskId): Promise<number[]> => {
  const { settle } = clientOf(stage, cell, key);
  const seen: number[] = [];
  const isOver = (): boolean => seen.length >= 6;
  for (let tries = 0; !isOver(); tries += 1) {
    assert.ok(tries < 10, 'the channel broke ten times');
    const { body } = await settle({ method: 'POST', path: '/api/live/ticket' }, 200);
    const { ticket } = z.object({ ticket: z.string() }).parse(body);
    stage.cells.name(cell, hashOf(ticket));
    const socket = new WebSocket(`${stage.api.live}?ticket=${ticket}`, { perMessageDeflate: false });
    socket.on('error', () => undefined);
    socket.on('open', () => {
      socket.send(JSON.stringify({ type: 'subscribe', stream: `task/${taskId}`, after: seen.at(-1) ?? 0 }));
    });
    socket.on('message', (data: Buffer) => {
      const { type, version } = Told.parse(JSON.parse(data.toString()));
      if (type === 'event' && version !== undefined) seen.push(version);
      if (type === 'error' || isOver()) socket.close();
    });
    const { promise: closed, resolve, reject } = Promise.withResolvers<void>();
    const tooLong = setTimeout(() => reject(new Error('the channel fell silent')), patienceMs);
    socket.on('close', () => resolve());
    await closed.finally(() => clearTimeout(tooLong));
  }
  return seen;
};

const live: Row['run'] = async (stage, cell) => {
  const { key, accountId } = await newcomer(stage, cell);
  const taskId = await seedTask(stage.world, accountId);
  stage.cells.name(cell, `S#task/${taskId}`);
  const { start, report, complete } = hand(stage.world, taskId);
  const work = async (): Promise<void> => {
    await start();
    for (const seq of [1, 2, 3]) await report(seq);
    await complete();
  };
  const [seen] = await allEnded(follow(stage, cell, key, taskId), work());
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6]);
};

/** The same as Server-Sent Events: a stream that breaks is asked for again, from the last event's id on. */
const liveEvents: Row['run'] = async (stage, cell) => {
  const { key, accountId } = await newcomer(stage, cell);
  const taskId = await seedTask(stage.world, accountId);
  const { start, report, complete } = hand(stage.world, taskId);
  const seen: number[] = [];
  const path = `/api/task/${taskId}/live`;
  const follow = async (): Promise<void> => {
    for (let tries = 0; seen.at(-1) !== 5; tries += 1) {
      assert.ok(tries < 10, 'the stream broke ten times');
      const headers = { accept: 'text/event-stream', 'last-event-id': String(seen.at(-1) ?? 0) };
      const response = await stage.api.ask('GET', path, { key, headers });
      if (response.status !== 200) {
        assert.equal(response.status, 503);
        cell.disarm();
        continue;
      }
      const text = await response.text().catch(() => '');
      seen.push(...[...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)));
    }
  };
  const work = async (): Promise<void> => {
    await start();
    for (const seq of [1, 2]) await report(seq);
    await complete();
  };
  await allEnded(stage.cells.within(cell, follow), work());
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
};

const Session = z.looseObject({ sessionId: z.string(), status: z.string() });
const Sessions = z.object({ sessions: z.array(Session) });

const sessions: Row['run'] = async (stage, cell) => {
  const { accountId, settle } = await newcomer(stage, cell);
  const sessionId = SessionId.parse(uuidv7(Date.now()));
  const workerId = WorkerId.parse(uuidv7(Date.now()));
  const agent = { name: 'demo', version: '1', dialect: 'acp' as const };
  const hosting = {
    owner: accountId,
    workerId,
    processId: 1,
    agentSessionId: 'a',
    agent,
    workDirectory: '/sessions/1',
  };
  await stage.world.handleSession(`session/${sessionId}`, { type: 'create', ...hosting }, origin);
  const listed = await settle({ method: 'GET', path: '/api/sessions' }, 200);
  for (const shown of Sessions.parse(listed.body).sessions) assert.equal(shown.sessionId, sessionId);
  const path = `/api/session/${sessionId}`;
  assert.equal(Session.parse((await settle({ method: 'GET', path }, 200)).body).status, 'created');
  const closed = await settle({ method: 'POST', path: `${path}/close`, body: {} }, 202);
  assert.equal(Session.parse(closed.body).status, 'closed');
  assert.equal(Session.parse((await settle({ method: 'GET', path }, 200)).body).status, 'closed');
};

const checkKey: Row['run'] = async (stage, cell) => {
  const { settle } = await newcomer(stage, cell);
  const { body } = await settle({ method: 'GET', path: '/api/tasks?limit=1' }, 200);
  assert.deepEqual(List.parse(body).tasks, []);
};

export const apiRows: readonly Row[] = [
  { name: 'submit', run: (stage, cell) => submit(stage, cell, 'say hello', false) },
  { name: 'submit with a key', run: (stage, cell) => submit(stage, cell, 'say hello', true) },
  { name: 'submit a long prompt', run: submitLong },
  { name: 'read', run: read },
  { name: 'events', run: events },
  { name: 'list', run: list },
  { name: 'cancel what waits', run: (stage, cell) => cancel(stage, cell, false) },
  { name: 'cancel what runs', run: (stage, cell) => cancel(stage, cell, true) },
  { name: 'follow by ticket', run: live },
  { name: 'follow as event stream', run: liveEvents },
  { name: 'see and close a session', run: sessions },
  { name: 'check a key', run: checkKey },
];

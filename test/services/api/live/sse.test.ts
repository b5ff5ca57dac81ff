import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TaskId } from '#events/ids.ts';
import { eventually } from '#test/support/eventually.ts';
import { sessionId, workerId } from '#test/support/ids.ts';
import { accepted, submit } from '../submit-support.ts';
import { createWorld } from '../world.ts';
import type { World } from '../world.ts';
import { Message, serveApi } from './client.ts';
import type { ServedApi } from './client.ts';

const startTask = async (world: World, api: ServedApi): Promise<TaskId> => {
  const { taskId } = await accepted(await submit(api, { message: 'x' }));
  await world.moveTask(taskId, { type: 'start', workerId: workerId(1), sessionId: sessionId(1) });
  return taskId;
};
const speak = (world: World, id: TaskId, seq: number) =>
  world.moveTask(id, { type: 'progress', attempt: 1, seq, updates: [{ kind: 'text', text: 'a\nb' }] });
const complete = (world: World, id: TaskId) => {
  const result = { kind: 'inline', text: 'Done.' } as const;
  return world.moveTask(id, { type: 'complete', attempt: 1, result, stopReason: 'end_turn' });
};

type Event = { readonly id?: string; readonly data?: Message; readonly comment?: string };

/** The blocks of an event stream, as a client that knows the format reads them. */
async function* eventsOf(answer: Response): AsyncGenerator<Event, undefined> {
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'text/event-stream');
  assert.ok(answer.body);
  let text = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const [id, data, comment] = [field('id'), field('data'), lines.find((line) => line.startsWith(':'))];
      yield {
        ...(id === undefined ? {} : { id }),
        ...(data === undefined ? {} : { data: Message.parse(JSON.parse(data)) }),
        ...(comment === undefined ? {} : { comment }),
      };
    }
  }
  assert.equal(text, '');
}
const open = (api: ServedApi, id: TaskId, headers: Record<string, string> = {}, query = '') =>
  fetch(`${api.url}/api/task/${id}/live${query}`, { headers: { ...api.bearer('alice'), ...headers } });
const idsOf = async (answer: Response) => (await Array.fromAsync(eventsOf(answer))).flatMap(({ id }) => id ?? []);

describe('Server-Sent Events', () => {
  it('give the past, say that it is live, go on with what comes and end after the outcome', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const id = await startTask(world, api);
    const seen: Event[] = [];
    for await (const event of eventsOf(await open(api, id))) {
      seen.push(event);
      if (event.data?.type === 'live') {
        await speak(world, id, 1);
        await complete(world, id);
      }
    }
    const said = seen.flatMap(({ id, data }) => (data ? [[id, data.type, data.event?.type]] : []));
    assert.deepEqual(said, [
      ['1', 'event', 'TaskSubmitted'],
      ['2', 'event', 'TaskStarted'],
      [undefined, 'live', undefined],
      ['3', 'event', 'TaskProgressed'],
      ['4', 'event', 'TaskCompleted'],
    ]);
  });

  it('go on after the last event that was seen, from any position', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const id = await startTask(world, api);
    for (let seq = 1; seq <= 100; seq += 1) await speak(world, id, seq);
    await complete(world, id);
    const all = Array.from({ length: 103 }, (_, index) => String(index + 1));
    assert.deepEqual(await idsOf(await open(api, id)), all);
    for (const after of [1, 50, 102]) {
      assert.deepEqual(await idsOf(await open(api, id, { 'last-event-id': String(after) })), all.slice(after));
      assert.deepEqual(await idsOf(await open(api, id, {}, `?after=${after}`)), all.slice(after));
    }
    const header = await open(api, id, { 'last-event-id': '102' }, '?after=5');
    assert.deepEqual(await idsOf(header), ['103']);
  });

  it('tell a client that has the outcome not to come back', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const id = await startTask(world, api);
    await complete(world, id);
    assert.equal((await open(api, id, { 'last-event-id': '3' })).status, 204);
  });

  it('break a silence with comments', async () => {
    const world = await createWorld();
    await using api = await serveApi(world, { limits: { heartbeatMs: 20 } });
    const id = await startTask(world, api);
    let comments = 0;
    for await (const { comment } of eventsOf(await open(api, id))) {
      if (comment !== undefined && (comments += 1) === 3) await complete(world, id);
    }
    assert.ok(comments >= 3);
  });

  it('end when the key is revoked, and when the service stops', async () => {
    const world = await createWorld();
    const api = await serveApi(world);
    const id = await startTask(world, api);
    const olgas = await fetch(`${api.url}/api/task/${id}/live`, { headers: api.bearer('olga') });
    let lives = 0;
    const alice = (async () => {
      for await (const { data } of eventsOf(await open(api, id))) {
        if (data?.type !== 'live') continue;
        lives += 1;
        await world.revoke('alice');
      }
    })();
    await alice;
    assert.equal(lives, 1);
    for await (const { data } of eventsOf(olgas)) if (data?.type === 'live') api.stop.abort();
    await api[Symbol.asyncDispose]();
  });

  it('refuse what is no position and what is not theirs to see', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const id = await startTask(world, api);
    assert.equal((await open(api, id, { 'last-event-id': 'x' })).status, 422);
    assert.equal((await open(api, id, {}, '?after=-1')).status, 422);
    assert.equal((await open(api, id, api.bearer('bob'))).status, 404);
    assert.equal((await open(api, id, { accept: 'application/json' })).status, 406);
  });

  it('asked for with HEAD leave nothing behind', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const id = await startTask(world, api);
    const head = await fetch(`${api.url}/api/task/${id}/live`, { method: 'HEAD', headers: api.bearer('alice') });
    assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'text/event-stream']);
  });

  it('let go of a client that went away', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const id = await startTask(world, api);
    const gone = new AbortController();
    const answer = await fetch(`${api.url}/api/task/${id}/live`, { headers: api.bearer('alice'), signal: gone.signal });
    const events = eventsOf(answer);
    while ((await events.next()).value?.data?.type !== 'live');
    await speak(world, id, 1);
    assert.equal((await events.next()).value?.id, '3');
    // What is kept of a stream is forgotten with its last reader.
    const isKept = () => {
      using watched = api.hub.watch(`task/${id}`);
      return watched.tail.from(3) !== undefined;
    };
    assert.equal(isKept(), true);
    gone.abort();
    await eventually(() => (isKept() ? undefined : true), 'the stream is still followed');
    await assert.rejects(events.next(), { name: 'AbortError' });
  });
});

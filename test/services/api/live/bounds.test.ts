import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type { WebSocket } from 'ws';
import type { TaskId } from '#events/ids.ts';
import { eventually } from '#test/support/eventually.ts';
import { sessionId, workerId } from '#test/support/ids.ts';
import { liveLimits } from '../../../../services/api/service.ts';
import { accepted, submit } from '../submit-support.ts';
import { createWorld } from '../world.ts';
import type { World } from '../world.ts';
import { serveApi } from './client.ts';
import type { ServedApi } from './client.ts';

const textBytes = 100_000;

/** A task that has a long message to give. */
const talkative = async (world: World, api: ServedApi): Promise<TaskId> => {
  const { taskId } = await accepted(await submit(api, { message: 'x' }));
  await world.moveTask(taskId, { type: 'start', workerId: workerId(1), sessionId: sessionId(1) });
  const updates = [{ kind: 'text' as const, text: 'x'.repeat(textBytes) }];
  for (let seq = 1; seq <= 20; seq += 1) await world.moveTask(taskId, { type: 'progress', attempt: 1, seq, updates });
  return taskId;
};

/** The socket at the server's end: what waits there for its reader. */
const serverEnd = (api: ServedApi): WebSocket => {
  const [socket] = api.webSockets.clients;
  assert.ok(socket);
  return socket;
};

describe('what waits for one reader', () => {
  it('is never more than the limit and one message, however many streams it follows', async () => {
    const world = await createWorld();
    const bufferedMax = 200_000;
    await using api = await serveApi(world, { limits: { bufferedMax, slowMs: 60_000 } });
    const tasks = [];
    for (let n = 0; n < 12; n += 1) tasks.push(await talkative(world, api));
    const client = await api.connect('alice');
    const end = serverEnd(api);
    client.socket.pause();
    for (const id of tasks) client.say({ type: 'subscribe', stream: `task/${id}` });
    let most = 0;
    let same = 0;
    await eventually(() => {
      same = end.bufferedAmount > bufferedMax && end.bufferedAmount === most ? same + 1 : 0;
      most = Math.max(most, end.bufferedAmount);
      return same > 20 || undefined;
    }, 'nothing piled up');
    assert.ok(most < bufferedMax + textBytes + 1_000, `${most} bytes waited`);
    await client.leave();
  });

  it('is never more than that either when it asks without reading the answers', async () => {
    const world = await createWorld();
    const bufferedMax = 20_000;
    await using api = await serveApi(world, { limits: { bufferedMax, slowMs: 200, graceMs: 200 } });
    const client = await api.connect('alice');
    const end = serverEnd(api);
    client.socket.pause();
    const closed = once(end, 'close');
    const answer = 'x'.repeat(50_000);
    let most = 0;
    const asking = setInterval(() => {
      for (let n = 0; n < 20; n += 1) client.say({ type: 'ping', [answer]: 1 });
      most = Math.max(most, end.bufferedAmount);
    }, 1);
    await closed;
    clearInterval(asking);
    assert.ok(most > bufferedMax, 'it was not slow at all');
    assert.ok(most < bufferedMax + 60_000, `${most} bytes waited`);
    client.socket.terminate();
  });
});

describe('a slow reader', () => {
  it('is told so and closed within five seconds', () => {
    assert.ok(liveLimits.slowMs + liveLimits.graceMs < 5_000);
  });
});

/** A server with a task and its health: the API on memory, or the same two answers from Hono with nothing around it. */
import { Hono } from 'hono';
import { z } from 'zod';
import { listen } from '#platform/http/listen.ts';
import { createWorld } from '#test/services/api/world.ts';
import { serveApi } from '#test/services/api/live/client.ts';
import { answerJobs } from '../child.ts';
import { message } from '../recorded.ts';

const serve = async () => {
  const world = await createWorld();
  return { world, api: await serveApi(world, { env: { RATE_PER_SECOND: '1000000000' } }) };
};

answerJobs({
  ours: async () => {
    const { api, world } = await serve();
    const submitted = await api.ask('POST', '/api/chat', { as: 'alice', body: { message } });
    const { taskId } = z.object({ taskId: z.string() }).parse(await submitted.json());
    return { url: api.url, key: world.keyOf('alice'), paths: { read: `/api/task/${taskId}`, health: '/health' } };
  },
  bare: async () => {
    const { api } = await serve();
    const submitted = await api.ask('POST', '/api/chat', { as: 'alice', body: { message } });
    const { taskId } = z.object({ taskId: z.string() }).parse(await submitted.json());
    const task: unknown = await (await api.ask('GET', `/api/task/${taskId}`, { as: 'alice' })).json();
    const health: unknown = await (await api.ask('GET', '/health')).json();
    await api[Symbol.asyncDispose]();
    const app = new Hono();
    app.get('/api/task/:taskId', (c) => c.body(JSON.stringify(task), 200, { 'content-type': 'application/json' }));
    app.get('/health', (c) => c.body(JSON.stringify(health), 200, { 'content-type': 'application/json' }));
    const { url } = await listen(app, { host: '127.0.0.1', port: 0, drainMs: 0 });
    return { url, key: 'none', paths: { read: `/api/task/${taskId}`, health: '/health' } };
  },
});

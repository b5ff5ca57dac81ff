import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { Hono } from 'hono';
import { WebSocket, WebSocketServer } from 'ws';
import { listen } from '#platform/http/listen.ts';
import type { UpgradeBindings } from '#platform/http/upgrade.ts';
import { StartFault } from '#platform/lifetime.ts';

const local = { host: '127.0.0.1', port: 0 } as const;

describe('a server', () => {
  it('at its end lets an answer in the making out, and takes no more', async () => {
    const app = new Hono();
    const { promise: asked, resolve: hear } = Promise.withResolvers<undefined>();
    const { promise: free, resolve: answer } = Promise.withResolvers<undefined>();
    app.get('/', async (c) => {
      hear(undefined);
      await free;
      return c.text('done');
    });
    const server = await listen(app, { ...local, drainMs: 30_000 });
    const answered = fetch(server.url);
    await asked;
    const ended = server[Symbol.asyncDispose]();
    await assert.rejects(fetch(server.url), { name: 'TypeError' });
    answer(undefined);
    assert.equal(await (await answered).text(), 'done');
    const before = performance.now();
    await ended;
    assert.ok(performance.now() - before < 5_000, 'the connection was kept for another request');
  });

  it('at its end waits no longer than it may', async () => {
    const app = new Hono();
    const { promise: asked, resolve: hear } = Promise.withResolvers<undefined>();
    app.get('/', () => {
      hear(undefined);
      return new Promise<Response>(() => undefined);
    });
    const server = await listen(app, { ...local, drainMs: 50 });
    const answered = fetch(server.url);
    await asked;
    await Promise.all([server[Symbol.asyncDispose](), assert.rejects(answered, { name: 'TypeError' })]);
    await server[Symbol.asyncDispose]();
  });

  it('says in one sentence that its port is taken', async () => {
    await using first = await listen(new Hono(), { ...local, drainMs: 0 });
    await assert.rejects(listen(new Hono(), { ...local, port: first.port, drainMs: 0 }), (fault) => {
      assert.ok(fault instanceof StartFault);
      assert.equal(fault.message, `port ${first.port} on 127.0.0.1 is in use by another program`);
      return true;
    });
  });
});

describe('a WebSocket handshake', () => {
  const app = new Hono<{ Bindings: UpgradeBindings }>();
  app.get('/open', (c) => {
    c.env.accept?.((socket) => socket.send('hello'));
    return c.body(null);
  });
  const { promise: asked, resolve: hear } = Promise.withResolvers<(value: undefined) => void>();
  app.get('/slow', async (c) => {
    const { promise: free, resolve: go } = Promise.withResolvers<undefined>();
    hear(go);
    await free;
    return c.body(null, 403);
  });
  app.get('/closed', (c) => c.json({ reason: 'because' }, 403));
  app.onError((_, c) => c.body(null, 500));
  app.get('/broken', () => {
    throw new Error('broken');
  });
  const start = () => listen(app, { ...local, drainMs: 0, webSockets: new WebSocketServer({ noServer: true }) });

  it('opens where a route says so', async () => {
    await using server = await start();
    const client = new WebSocket(`${server.url}/open`);
    const heard = await new Promise((resolve) => client.once('message', (data: Buffer) => resolve(data.toString())));
    assert.equal(heard, 'hello');
    client.terminate();
    await once(client, 'close');
  });

  it('is answered like any request where a route refuses, is missing or breaks', async () => {
    await using server = await start();
    for (const [path, status] of [
      ['/closed', 403],
      ['/nowhere', 404],
      ['/broken', 500],
    ] as const) {
      const client = new WebSocket(server.url + path);
      client.on('error', () => undefined);
      const told = await new Promise((resolve) =>
        client.once('unexpected-response', (_, answer) => resolve(answer.statusCode)),
      );
      assert.equal(told, status, path);
      client.terminate();
    }
  });

  it('survives a client that goes away in the middle of it', async () => {
    await using server = await start();
    const rude = connect(server.port, '127.0.0.1');
    await once(rude, 'connect');
    rude.write('GET /slow HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const answer = await asked;
    rude.resetAndDestroy();
    await once(rude, 'close');
    const client = new WebSocket(`${server.url}/open`);
    await once(client, 'message');
    answer(undefined);
    client.terminate();
    await once(client, 'close');
  });
});

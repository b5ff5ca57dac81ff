import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createWorld, startApi } from './world.ts';

describe('every answer', () => {
  it('carries the id of its request, given or made, and the trace it came with', async () => {
    await using api = await startApi(await createWorld());
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const given = await api.ask('GET', '/api/tasks', {
      as: 'alice',
      headers: { 'x-request-id': 'my-id.1', traceparent },
    });
    assert.equal(given.headers.get('x-request-id'), 'my-id.1');
    assert.equal(given.headers.get('traceparent'), traceparent);
    for (const id of ['', 'two words', 'x'.repeat(129), 'line\tbreak']) {
      const made = await api.ask('GET', '/nowhere', { headers: { 'x-request-id': id } });
      assert.match(made.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
      assert.equal(made.headers.get('traceparent'), null);
    }
  });

  it('is kept by nobody and taken for nothing else than it says', async () => {
    await using api = await startApi(await createWorld());
    for (const path of ['/health', '/api/tasks', '/nowhere']) {
      const { headers } = await api.ask('GET', path, { as: 'alice' });
      assert.deepEqual([headers.get('cache-control'), headers.get('x-content-type-options')], ['no-store', 'nosniff']);
    }
  });

  it('to HEAD is that to GET without its body', async () => {
    await using api = await startApi(await createWorld());
    const head = await api.ask('HEAD', '/api/tasks', { as: 'alice' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
    assert.equal((await api.ask('HEAD', '/api/task/none', { as: 'alice' })).status, 404);
  });

  it('to a wrong method names the right ones', async () => {
    await using api = await startApi(await createWorld());
    for (const [method, path, allow] of [
      ['GET', '/api/chat', 'OPTIONS, POST'],
      ['DELETE', '/api/tasks', 'GET, HEAD, OPTIONS'],
      ['PUT', '/health', 'GET, HEAD, OPTIONS'],
      ['PATCH', '/api/task/x/cancel', 'OPTIONS, POST'],
    ] as const) {
      const wrong = await api.ask(method, path, { as: 'alice' });
      assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, allow], path);
      const options = await api.ask('OPTIONS', path);
      assert.deepEqual([options.status, options.headers.get('allow')], [204, allow], path);
    }
    assert.equal((await api.ask('DELETE', '/nowhere', { as: 'alice' })).status, 404);
  });
});

describe('a server on loopback', () => {
  it('answers to its own names and to those it was told, on every path', async () => {
    await using api = await startApi(await createWorld(), { env: { ALLOWED_HOSTS: 'kiro.test' } });
    for (const path of ['/health', '/openapi.json', '/docs', '/api/tasks', '/api/live?ticket=x']) {
      const rebound = await api.ask('GET', path, { as: 'alice', headers: { host: 'evil.example:8081' } });
      assert.equal(rebound.status, 421, path);
      assert.match(await rebound.text(), /problems\/misdirected/);
    }
    for (const host of ['127.0.0.1:8081', 'localhost:8081', '[::1]:8081', 'kiro.test']) {
      assert.equal((await api.ask('GET', '/health', { headers: { host } })).status, 200, host);
    }
  });
});

describe('a page of another origin', () => {
  const origin = 'https://console.example';
  it('that is listed may ask before it asks, and reads the answers', async () => {
    await using api = await startApi(await createWorld(), { env: { ALLOWED_ORIGINS: origin } });
    const headers = { origin, 'access-control-request-method': 'POST' };
    const preflight = await api.ask('OPTIONS', '/api/chat', { headers });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /authorization.*idempotency-key/);
    const refused = await api.ask('GET', '/api/tasks', { headers: { origin } });
    assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [401, origin]);
  });

  it('that is not listed reads nothing', async () => {
    await using api = await startApi(await createWorld(), { env: { ALLOWED_ORIGINS: origin } });
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    const preflight = await api.ask('OPTIONS', '/api/chat', { headers });
    assert.equal(preflight.headers.get('access-control-allow-origin'), null);
    assert.equal(preflight.headers.get('access-control-allow-headers'), null);
  });
});

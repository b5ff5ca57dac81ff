import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Hono } from 'hono';
import { hostGuard, isLoopback } from '#platform/http/host.ts';
import { acceptFormat, accepts, bodyBytesMax, bodyFormat, bodySize } from '#platform/http/limits.ts';
import { cors, originAllowed } from '#platform/http/origin.ts';

describe('the host guard', () => {
  const appOn = (bound: string, more: string[] = []) => {
    const app = new Hono();
    app.use(hostGuard(bound, more));
    app.get('/', (c) => c.text('here'));
    return (host: string) => app.request('/', { headers: { host } });
  };

  it('on loopback lets its own names in, with and without a port', async () => {
    const ask = appOn('127.0.0.1');
    for (const host of ['127.0.0.1:8081', 'localhost', 'LOCALHOST:1', '[::1]:8081']) {
      assert.equal((await ask(host)).status, 200, host);
    }
  });

  it('on loopback refuses every other name', async () => {
    const ask = appOn('localhost');
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io:8081', '10.0.0.1', 'a b', '']) {
      assert.equal((await ask(host)).status, 421, host);
    }
  });

  it('knows the names it was told', async () => {
    const ask = appOn('::1', ['Kiro.Internal']);
    assert.equal((await ask('kiro.internal:8081')).status, 200);
    assert.equal((await ask('other.internal')).status, 421);
  });

  it('elsewhere leaves names to the load balancer in front', async () => {
    assert.equal(isLoopback('0.0.0.0'), false);
    assert.equal((await appOn('0.0.0.0')('anything.example')).status, 200);
  });
});

describe('the format of a request', () => {
  const app = new Hono();
  app.use(
    acceptFormat(() => 'application/json'),
    bodyFormat,
    bodySize,
  );
  app.post('/', async (c) => c.text(String((await c.req.text()).length)));
  const post = (body: string, headers: Record<string, string>) => app.request('/', { method: 'POST', body, headers });

  it('is JSON in UTF-8, said in any case', async () => {
    for (const type of ['application/json', 'Application/JSON; Charset=UTF-8', 'application/json;charset="utf-8"']) {
      assert.equal((await post('{}', { 'content-type': type })).status, 200, type);
    }
    for (const type of [
      'text/plain',
      'application/json; charset=latin1',
      'application/x-json',
      'multipart/form-data',
    ]) {
      assert.equal((await post('{}', { 'content-type': type })).status, 415, type);
    }
  });

  it('is not compressed', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    assert.equal((await post('{}', headers)).status, 415);
  });

  it('has a body up to a limit, whether its length was told or not', async () => {
    const json = { 'content-type': 'application/json' };
    const exactly = 'x'.repeat(bodyBytesMax);
    assert.equal((await post(exactly, json)).status, 200);
    assert.equal((await post(`${exactly}x`, json)).status, 413);
    assert.equal((await post('{}', { ...json, 'content-length': String(bodyBytesMax + 1) })).status, 413);
  });

  it('accepts what the answer will be', async () => {
    assert.equal((await post('{}', { 'content-type': 'application/json', accept: 'text/html' })).status, 406);
    for (const accept of [undefined, '', '*/*', 'text/html, application/*;q=0.5', 'Application/JSON']) {
      assert.equal(accepts(accept, 'application/json'), true, accept);
    }
    for (const accept of ['text/html', 'application/json;q=0', 'application/jsonx', 'text/*']) {
      assert.equal(accepts(accept, 'application/json'), false, accept);
    }
  });
});

describe('the origin of a page', () => {
  const listed = 'https://console.example';
  const app = new Hono();
  app.use(cors([listed]));
  app.get('/', (c) => c.text(String(originAllowed(c, [listed]))));
  const from = (origin?: string) =>
    app.request('http://api.example/', {
      headers: { host: 'api.example', ...(origin === undefined ? {} : { origin }) },
    });

  it('is listed, our own, or not told at all', async () => {
    for (const origin of [undefined, listed, 'http://api.example']) {
      assert.equal(await (await from(origin)).text(), 'true', origin);
    }
    for (const origin of ['https://evil.example', 'null', `${listed}.evil.example`, 'http://api.example:81']) {
      assert.equal(await (await from(origin)).text(), 'false', origin);
    }
  });

  it('lets the answers be read where it is listed, and nowhere else', async () => {
    const answer = await from(listed);
    assert.equal(answer.headers.get('access-control-allow-origin'), listed);
    assert.equal(answer.headers.get('vary'), 'origin');
    assert.equal((await from('https://evil.example')).headers.get('access-control-allow-origin'), null);
    assert.equal((await from('http://api.example')).headers.get('access-control-allow-origin'), null);
  });
});

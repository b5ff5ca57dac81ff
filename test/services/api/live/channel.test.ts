import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { createWorld } from '../world.ts';
import { openClient, refusedStatus, serveApi } from './client.ts';
import type { ServedApi } from './client.ts';

const Ticket = z.strictObject({ ticket: z.string().regex(/^[0-9A-Za-z]{43}$/), expiresAt: z.iso.datetime() });
const ticketFor = async (api: ServedApi) => {
  const answer = await api.ask('POST', '/api/live/ticket', { as: 'alice' });
  assert.equal(answer.status, 200);
  return Ticket.parse(await answer.json());
};
const isOpen = async (address: string, headers: Record<string, string> = {}) => {
  const client = await openClient(address, headers);
  client.say({ type: 'ping' });
  assert.equal((await client.hear()).type, 'pong');
  await client.leave();
};

describe('opening a live channel', () => {
  it('takes a key in the header', async () => {
    await using api = await serveApi(await createWorld());
    await isOpen(api.live, api.bearer('alice'));
    assert.equal(await refusedStatus(api.live), 401);
    assert.equal(await refusedStatus(api.live, { authorization: 'Bearer garbage' }), 401);
  });

  it('takes a ticket once', async () => {
    await using api = await serveApi(await createWorld());
    const { ticket } = await ticketFor(api);
    await isOpen(`${api.live}?ticket=${ticket}`);
    assert.equal(await refusedStatus(`${api.live}?ticket=${ticket}`), 401);
    assert.equal(await refusedStatus(`${api.live}?ticket=`), 401);
    assert.equal(await refusedStatus(`${api.live}?ticket=${'x'.repeat(43)}`), 401);
  });

  it('takes a ticket once, however many try at the same moment, and on another instance than gave it', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    await using other = await serveApi(world);
    const { ticket } = await ticketFor(api);
    const tries = Array.from({ length: 8 }, (_, n) =>
      refusedStatus(`${n % 2 ? api.live : other.live}?ticket=${ticket}`),
    );
    const statuses = await Promise.all(tries);
    assert.deepEqual(statuses.sort(), [101, ...Array.from({ length: 7 }, () => 401)]);
  });

  it('takes a ticket for thirty seconds', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const { ticket, expiresAt } = await ticketFor(api);
    assert.equal(Date.parse(expiresAt), world.time.now + 30_000);
    world.time.now += 30_000;
    assert.equal(await refusedStatus(`${api.live}?ticket=${ticket}`), 401);
  });

  it('takes no ticket of a key that was revoked since', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const { ticket } = await ticketFor(api);
    await world.revoke('alice');
    await api.settled();
    assert.equal(await refusedStatus(`${api.live}?ticket=${ticket}`), 401);
  });

  it('does not use a ticket up where it is refused for another reason', async () => {
    await using api = await serveApi(await createWorld());
    const { ticket } = await ticketFor(api);
    const address = `${api.live}?ticket=${ticket}`;
    assert.equal(await refusedStatus(address, { origin: 'https://evil.example' }), 403);
    assert.equal((await fetch(address.replace('ws', 'http'))).status, 426);
    await isOpen(address);
  });

  it('is for programs, for our own pages and for listed ones', async () => {
    const origin = 'https://console.example';
    await using api = await serveApi(await createWorld(), { env: { ALLOWED_ORIGINS: origin } });
    for (const from of [origin, api.url]) await isOpen(api.live, { ...api.bearer('alice'), origin: from });
    for (const from of ['https://evil.example', 'null', 'http://127.0.0.1:1', `${origin}.evil.example`]) {
      assert.equal(await refusedStatus(api.live, { ...api.bearer('alice'), origin: from }), 403, from);
    }
  });

  it('is refused to a name that is not ours', async () => {
    await using api = await serveApi(await createWorld());
    assert.equal(await refusedStatus(api.live, { ...api.bearer('alice'), host: 'evil.example' }), 421);
  });

  it('is refused when the instance carries as many as it can', async () => {
    await using api = await serveApi(await createWorld(), { env: { SOCKETS_MAX: '1' } });
    const first = await api.connect('alice');
    assert.equal(await refusedStatus(api.live, api.bearer('alice')), 503);
    await first.leave();
    await isOpen(api.live, api.bearer('alice'));
  });

  it('is asked for with a handshake', async () => {
    await using api = await serveApi(await createWorld());
    const plain = await fetch(api.live.replace('ws', 'http'), { headers: api.bearer('alice') });
    assert.deepEqual([plain.status, plain.headers.get('upgrade')], [426, 'websocket']);
  });

  it('just before the end is followed by the same close as for all others, and holds nobody up', async () => {
    const world = await createWorld();
    const { promise: asked, resolve: ask } = Promise.withResolvers<undefined>();
    const { promise: answered, resolve: answer } = Promise.withResolvers<undefined>();
    const takeNote: typeof world.runtime.takeNote = async (key) => {
      ask(undefined);
      await answered;
      return world.runtime.takeNote(key);
    };
    const api = await serveApi(world, { over: { notes: { ...world.runtime, takeNote } } });
    const opening = openClient(`${api.live}?ticket=${(await ticketFor(api)).ticket}`);
    await asked;
    const ended = api[Symbol.asyncDispose]();
    answer(undefined);
    const client = await opening;
    assert.equal((await client.closed).code, 1012);
    await ended;
  });
});

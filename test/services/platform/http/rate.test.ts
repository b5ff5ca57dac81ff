import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Hono } from 'hono';
import { AccountId } from '#events/ids.ts';
import type { PrincipalEnv } from '#platform/http/principal.ts';
import { rateLimit } from '#platform/http/rate.ts';

const accountId = AccountId.parse('aliceAAAAAAA');

const limited = (perSecond: number) => {
  const time = { now: 0 };
  const app = new Hono<PrincipalEnv>();
  app.use(async (c, next) => {
    c.set('principal', { accountId, role: 'member', keyId: c.req.header('x-key') ?? 'one' });
    await next();
  });
  app.use(rateLimit(perSecond, () => time.now));
  app.get('/', (c) => c.text('here'));
  return { time, ask: async (key = 'one') => app.request('/', { headers: { 'x-key': key } }) };
};

describe('the rate of a key', () => {
  it('may be two seconds’ worth at once, then as much as was promised', async () => {
    const { time, ask } = limited(5);
    const first = await Promise.all(Array.from({ length: 11 }, () => ask()));
    assert.deepEqual(
      first.map(({ status }) => status),
      [...Array.from({ length: 10 }, () => 200), 429],
    );
    time.now += 1_000;
    const second = await Promise.all(Array.from({ length: 6 }, () => ask()));
    assert.deepEqual(
      second.map(({ status }) => status),
      [200, 200, 200, 200, 200, 429],
    );
  });

  it('is told with every answer, and when to come back with a refusal', async () => {
    const { ask } = limited(1);
    const allowed = await ask();
    assert.equal(allowed.headers.get('ratelimit-policy'), '"key";q=2;w=2');
    assert.equal(allowed.headers.get('ratelimit'), '"key";r=1;t=1');
    await ask();
    const refused = await ask();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('retry-after'), '1');
    assert.equal(refused.headers.get('ratelimit'), '"key";r=0;t=1');
    assert.equal(refused.headers.get('content-type'), 'application/problem+json');
  });

  it('is nobody else’s business', async () => {
    const { ask } = limited(1);
    await Promise.all([ask(), ask(), ask()]);
    assert.equal((await ask('another')).status, 200);
  });

  it('holds when the clock goes backwards', async () => {
    const { time, ask } = limited(1);
    await Promise.all([ask(), ask()]);
    time.now -= 3_600_000;
    assert.equal((await ask()).status, 429);
  });
});

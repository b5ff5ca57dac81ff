import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { failing, serveHealth } from '#platform/http/health.ts';

const never = (): Promise<never> => new Promise(() => undefined);

describe('readiness', () => {
  it('names every dependency that fails, and gives none more than a second', async () => {
    const before = performance.now();
    const faults = await failing({
      store: () => Promise.reject(new Error('refused')),
      queue: never,
      bus: () => Promise.resolve(),
    });
    assert.deepEqual(
      faults.map(({ dependency }) => dependency),
      ['store', 'queue'],
    );
    assert.equal(faults[0]?.reason, 'refused');
    assert.ok(performance.now() - before < 2_000);
  });
});

describe('the health server', () => {
  it('says that it lives with the numbers of its service, whatever fails, and whether it can work', async () => {
    let fails = true;
    await using server = await serveHealth({
      ...{ host: '127.0.0.1', port: 0 },
      numbers: () => ({ sessions: 3 }),
      checks: { store: () => (fails ? Promise.reject(new Error('away')) : Promise.resolve()) },
    });
    const health = await fetch(`${server.url}/health`);
    assert.equal(health.status, 200);
    const said = z.object({ status: z.literal('ok'), version: z.string(), uptimeSeconds: z.int(), sessions: z.int() });
    assert.equal(said.parse(await health.json()).sessions, 3);
    const unready = await fetch(`${server.url}/ready`);
    assert.equal(unready.status, 503);
    assert.deepEqual(await unready.json(), { status: 'unavailable', failing: ['store'] });
    fails = false;
    assert.equal((await fetch(`${server.url}/ready`)).status, 200);
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { byEffort, printCounts } from '#test/proof/effort.ts';
import { startSystem, temporaryDir } from '#test/support/system.ts';
import { client } from './client.ts';
import { pidOf, shortOfDescriptors } from './parts.ts';

const rounds = byEffort({ ci: 1, full: 20 });

/** Connections that say nothing, as many as the kernel takes for the port. */
const holdSockets = async (url: string, count: number): Promise<Disposable> => {
  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: count }, () => connect(Number(port), hostname).on('error', () => undefined));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return { [Symbol.dispose]: () => sockets.forEach((socket) => socket.destroy()) };
};

/** Whether a request on a connection of its own is answered within a second. */
const answersAnew = async (url: string): Promise<boolean> => {
  const request = get(`${url}/health`, { agent: false, signal: AbortSignal.timeout(1_000) });
  return once(request, 'response').then(
    () => true,
    () => false,
  );
};

describe('an API without descriptors', () => {
  it('lives, and serves everybody again when it has some; nothing that it promised is lost', async (t) => {
    await using dir = await temporaryDir();
    await using system = await startSystem(dir.path, { RATE_PER_SECOND: '1000' });
    const { submit, submitUntilTaken, counts, allComplete } = client(system);
    const pid = pidOf(system, 'api');
    for (let round = 0; round < rounds; round += 1) {
      await submit('reverse this');
      {
        using _limit = shortOfDescriptors(pid, 4);
        using _sockets = await holdSockets(system.url, 50);
        assert.equal(await answersAnew(system.url), false, 'it had descriptors');
        await Promise.all(Array.from({ length: 20 }, (_, n) => submit(`reverse number ${n}`)));
      }
      await submitUntilTaken('reverse that');
    }
    assert.equal(pidOf(system, 'api'), pid, 'it was started again');
    await allComplete();
    printCounts(t, { rounds, ...counts });
  });
});

describe('a worker without descriptors', () => {
  it('lives, and what it could not begin meanwhile completes when it has some', async (t) => {
    await using dir = await temporaryDir();
    await using system = await startSystem(dir.path, { RATE_PER_SECOND: '1000', SESSION_TASKS_MAX: '1' });
    const { submit, counts, allComplete } = client(system);
    // One that is still starting would end, and be started again.
    await system.outcome(await system.submit('reverse this'));
    const pid = pidOf(system, 'worker');
    for (let round = 0; round < rounds; round += 1) {
      {
        using _limit = shortOfDescriptors(pid, 2);
        for (let n = 0; n < 10; n += 1) await submit(`reverse number ${n}`);
        // Long enough for every session to be wanted, too short for three attempts.
        await pause(3_000);
      }
      await submit('reverse that');
    }
    await allComplete();
    assert.equal(pidOf(system, 'worker'), pid, 'it was started again');
    printCounts(t, { rounds, ...counts });
  });
});

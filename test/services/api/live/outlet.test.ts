import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { createOutlet } from '../../../../services/api/live/outlet.ts';

const message = (bytes: number): Buffer => Buffer.alloc(bytes);

/** A socket whose reader reads when the test says so. */
const open = (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const written: (() => void)[] = [];
  let slow = 0;
  const socket = {
    bufferedAmount: 0,
    send: (data: unknown, _options: unknown, sent?: () => void) => {
      assert.ok(Buffer.isBuffer(data));
      socket.bufferedAmount += data.length;
      written.push(() => {
        socket.bufferedAmount -= data.length;
        sent?.();
      });
    },
  };
  const outlet = createOutlet(socket, { bufferedMax: 100, slowMs: 5_000 }, () => (slow += 1));
  return { outlet, read: () => written.shift()?.(), slow: () => slow, tick: (ms: number) => t.mock.timers.tick(ms) };
};

describe('an outlet', () => {
  it('has room up to its limit, and again when the reader has read', async (t) => {
    const { outlet, read } = open(t);
    const { signal } = new AbortController();
    outlet.send(message(100));
    await outlet.room(signal);
    outlet.send(message(1));
    let hasRoom = false;
    const room = outlet.room(signal).then(() => (hasRoom = true));
    await Promise.resolve();
    assert.equal(hasRoom, false);
    read();
    await room;
  });

  it('does not wait for room after it was given up', async (t) => {
    const { outlet } = open(t);
    outlet.send(message(101));
    await outlet.room(AbortSignal.abort());
  });

  it('calls a reader slow that leaves too much unread for too long, once', (t) => {
    const { outlet, slow, tick } = open(t);
    outlet.send(message(101));
    outlet.send(message(50));
    tick(4_999);
    assert.equal(slow(), 0);
    tick(1);
    assert.equal(slow(), 1);
    tick(60_000);
    assert.equal(slow(), 1);
  });

  it('does not call one slow that catches up in between, however often', (t) => {
    const { outlet, read, slow, tick } = open(t);
    for (let times = 0; times < 5; times += 1) {
      outlet.send(message(101));
      tick(4_999);
      read();
      tick(4_999);
    }
    assert.equal(slow(), 0);
  });

  it('calls nobody slow once it is let go', (t) => {
    const { outlet, slow, tick } = open(t);
    outlet.send(message(101));
    outlet[Symbol.dispose]();
    tick(60_000);
    assert.equal(slow(), 0);
  });
});

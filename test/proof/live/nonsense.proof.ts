/** Whatever a client says on a live channel: it is answered, or the channel is closed with the code that says why; the service lives. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { eventually } from '#test/support/eventually.ts';
import { sessionId, taskId } from '#test/support/ids.ts';
import { ClientMessage } from '../../../services/api/live/protocol.ts';
import { openClient, refusedStatus } from '../../services/api/live/client.ts';
import type { Client } from '../../services/api/live/client.ts';
import { byEffort, chance, printCounts, seed } from '../effort.ts';
import { closeCodeAfter } from './raw.ts';
import { bounded, openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { Subscriber } from './subscriber.ts';
import type { Account, Work } from './writer.ts';

const conversations = byEffort({ ci: 150, full: 5_000 });
const brokenFrames = byEffort({ ci: 100, full: 3_000 });
const manyOf = byEffort({ ci: 3_000, full: 30_000 });
const floodOf = byEffort({ ci: 20_000, full: 200_000 });

const deep = (levels: number): string => `${'{"type":'.repeat(levels)}"ping"${'}'.repeat(levels)}`;
const streams = [
  '$mine',
  `task/${taskId(1)}`,
  `session/${sessionId(1)}`,
  'lock/x',
  'account/x',
  'task/',
  '__proto__',
  '../..',
];
const keys = ['type', 'stream', 'after', '__proto__', 'constructor', 'toString', 'extra'];
const values = fc.oneof(
  fc.constantFrom<unknown>(
    'subscribe',
    'unsubscribe',
    'ping',
    'event',
    ...streams,
    0,
    -1,
    1e308,
    0.5,
    null,
    true,
    [],
    {},
  ),
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.jsonValue(),
);
/** Nearly right, quite wrong, and not even JSON. */
const saying = fc.oneof(
  fc.dictionary(fc.constantFrom(...keys), values).map((message) => JSON.stringify(message)),
  fc
    .record(
      { type: fc.constantFrom('subscribe', 'unsubscribe', 'ping'), stream: values, after: values },
      { requiredKeys: ['type'] },
    )
    .map((message) => JSON.stringify(message)),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.json(),
  fc.constantFrom(
    '',
    ' ',
    '{}',
    '[]',
    'null',
    '{"__proto__":{"type":"ping"}}',
    '{"type":"ping","type":"subscribe"}',
    deep(5_000),
    'x'.repeat(65_536),
    `{"type":"subscribe","stream":"${'task/'.repeat(10_000)}"}`,
  ),
);
const binary = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

const codes = new Set([
  'invalid-message',
  'not-found',
  'already-subscribed',
  'not-subscribed',
  'invalid-cursor',
  'cursor-too-old',
]);

/** Until the pong that answers the last thing that was said. */
const hearToPong = async (client: Client, counts: Map<string, number>): Promise<void> => {
  for (;;) {
    const { type, code } = await client.hear();
    const what = code ?? type;
    counts.set(what, (counts.get(what) ?? 0) + 1);
    if (type === 'error') assert.ok(codes.has(code ?? ''), `an unknown code: ${code}`);
    if (type === 'pong') return;
  }
};

/** Whether the server would answer this with a pong. */
const isPing = (message: string | Buffer): boolean =>
  typeof message === 'string' && ClientMessage.safeParse(message).data?.type === 'ping';

describe('a live channel that hears nonsense', bounded, () => {
  let stage: Stage;
  let alice: Account;
  let work: Work;
  let witness: Subscriber;
  let pid: number;
  const connect = (): Promise<Client> =>
    openClient(`${stage.instances[0].url.replace('http', 'ws')}/api/live`, {
      authorization: `Bearer ${alice.key.key}`,
    });
  before(async () => {
    // Who opens hundreds of channels in a second is told to wait otherwise.
    stage = await openStage({ RATE_PER_SECOND: '100000' });
    alice = await stage.writer.invite('alice');
    work = await stage.writer.submit(alice.accountId);
    const [{ url }] = stage.instances;
    witness = new Subscriber({ url: () => url, key: alice.key.key, wants: [work.stream], random: chance('witness') });
    await eventually(() => witness.isLive() || undefined, 'not live', 20_000);
    pid = stage.instances[0].pid();
  });
  after(async () => {
    await witness[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
  });
  /** The process is the same, said nothing on stderr, and serves whoever else is there. */
  const isWell = async (): Promise<void> => {
    const { length } = witness.heard(work.stream);
    await work.speak('still here');
    await eventually(() => witness.heard(work.stream).length === length + 1 || undefined, 'the witness starved');
    assert.deepEqual([stage.instances[0].pid(), stage.instances[0].errors()], [pid, '']);
    assert.ok(witness.isLive());
  };

  it('answers each message, and goes on', async (t) => {
    const counts = new Map<string, number>();
    let said = 0;
    const talk = fc.asyncProperty(
      fc.array(fc.oneof({ weight: 5, arbitrary: saying }, binary), { maxLength: 30, size: 'max' }),
      async (messages) => {
        const client = await connect();
        for (const message of messages) client.socket.send(message);
        client.say({ type: 'ping' });
        const pings = messages.filter((message) => isPing(message)).length;
        for (let n = 0; n <= pings; n += 1) await hearToPong(client, counts);
        said += messages.length;
        await client.leave();
      },
    );
    await fc.assert(talk, { seed, numRuns: conversations });
    await isWell();
    printCounts(t, { conversations, said, ...Object.fromEntries(counts) });
  });

  it('closes with the code that says why when the protocol itself is broken', async (t) => {
    const counts = new Map<string, number>();
    const masked = (first: number, second: number): Buffer =>
      Buffer.from([first, second | 0x80, 0, 0, 0, 0, 0xff, 0xfe, 0xfd]);
    const known: readonly (readonly [Buffer, number])[] = [
      [masked(0x81, 3), 1007],
      [Buffer.from([0x81, 0x01, 0x20]), 1002],
      [masked(0x83, 3), 1002],
      [masked(0xc1, 3), 1002],
      [masked(0x09, 3), 1002],
      [masked(0x80, 3), 1002],
      [Buffer.concat([Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1]), Buffer.alloc(4)]), 1009],
      [
        Buffer.concat([Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(4)]),
        1009,
      ],
    ];
    const codeOf = async (bytes: Uint8Array): Promise<number | undefined> => {
      const code = await closeCodeAfter(stage.instances[0].port, alice.key.key, bytes);
      counts.set(String(code), (counts.get(String(code)) ?? 0) + 1);
      return code;
    };
    for (const [bytes, code] of known) assert.equal(await codeOf(bytes), code, bytes.toString('hex'));
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 2, maxLength: 64 }), async (bytes) => {
        // An opcode that nobody has defined, and then anything.
        assert.equal(await codeOf(Buffer.from([0x83, ...bytes])), 1002);
      }),
      { seed, numRuns: brokenFrames },
    );
    await isWell();
    printCounts(t, { broken: known.length + brokenFrames, ...Object.fromEntries(counts) });
  });

  it('takes no more subscriptions than it may, however many are asked for', async (t) => {
    const { accountId, key } = await stage.writer.invite('many');
    const works = await Promise.all(Array.from({ length: 120 }, () => stage.writer.submit(accountId)));
    const client = await openClient(`${stage.instances[0].url.replace('http', 'ws')}/api/live`, {
      authorization: `Bearer ${key.key}`,
    });
    const counts = new Map<string, number>();
    for (const { stream } of works) client.say({ type: 'subscribe', stream, after: 1_000 });
    for (let n = 0; n < manyOf; n += 1) client.say({ type: 'subscribe', stream: `task/${taskId(n)}` });
    client.say({ type: 'ping' });
    for (let type = ''; type !== 'pong';) {
      const message = await client.hear();
      type = message.type;
      counts.set(message.code ?? type, (counts.get(message.code ?? type) ?? 0) + 1);
    }
    await client.leave();
    await isWell();
    printCounts(t, { asked: works.length + manyOf, ...Object.fromEntries(counts) });
    assert.deepEqual([counts.get('too-many-subscriptions'), counts.get('not-found') ?? 0], [20 + manyOf, 0]);
  });

  it('answers floods of pings to who reads, and lets go of who does not', async (t) => {
    const [instance] = stage.instances;
    const before = await instance.measure();
    const reader = await connect();
    for (let n = 0; n < floodOf; n += 1) reader.say({ type: 'ping' });
    for (let n = 0; n < floodOf; n += 1) assert.equal((await reader.hear()).type, 'pong');
    for (let n = 0; n < floodOf / 100; n += 1) {
      reader.socket.ping();
      await once(reader.socket, 'pong');
    }
    await reader.leave();
    const deaf = await Promise.all([connect(), connect()]);
    for (const { socket } of deaf) socket.pause();
    const [pinging, asking] = deaf;
    // The answer names what was not understood: long ones fill what the kernel takes at once.
    const nonsense = { type: 'ping', ['x'.repeat(20_000)]: 0 };
    const flood = async ({ socket }: Client, say: () => void): Promise<void> => {
      while (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < 20_000_000) {
        for (let n = 0; n < 200; n += 1) say();
        await turn();
      }
    };
    await Promise.all([
      flood(pinging, () => pinging.socket.ping('x'.repeat(100))),
      flood(asking, () => asking.say(nonsense)),
    ]);
    const meanwhile = await instance.measure();
    const isLetGo = () => instance.logged('channel.too-slow').length === 1 || undefined;
    await eventually(isLetGo, 'who asks and does not read is kept', 10_000);
    for (const { socket } of deaf) socket.terminate();
    await isWell();
    const grown = Math.round((meanwhile.held - before.held) / 1e6);
    printCounts(t, { pings: floodOf, deaf: deaf.length, 'held more MB': grown });
    assert.ok(grown < 10, `${grown} MB`);
  });

  it('refuses handshakes and positions that are none', async (t) => {
    const [{ url }] = stage.instances;
    const live = `${url.replace('http', 'ws')}/api/live`;
    const authorization = `Bearer ${alice.key.key}`;
    const statuses = new Map<number, number>();
    const count = (status: number): void => {
      assert.ok(status >= 400 && status < 500, `${status}`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    };
    for (const query of ['ticket=', 'ticket=%00', `ticket=${'x'.repeat(5_000)}`, 'ticket=a&ticket=b']) {
      count(await refusedStatus(`${live}?${query}`));
    }
    count(await refusedStatus(`${live}?other=1`, { authorization }));
    const sse = `${url}/api/${work.stream}/live`;
    for (const id of ['-1', '1.5', '1e99', 'x', 'NaN', ' ', '9'.repeat(300)]) {
      count((await fetch(sse, { headers: { authorization, 'last-event-id': id } })).status);
      count((await fetch(`${sse}?after=${encodeURIComponent(id)}`, { headers: { authorization } })).status);
    }
    await isWell();
    printCounts(t, Object.fromEntries([...statuses].map(([status, times]) => [`answered ${status}`, times])));
  });
});

/** Messages to the live channel: nonsense is told so, one answer each and in order; whatever was said, nothing but one's own is heard. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { byEffort, printCounts, seed } from '../effort.ts';
import { createWorld } from '../../services/api/world.ts';
import { serveApi } from '../../services/api/live/client.ts';
import type { Client, Message } from '../../services/api/live/client.ts';
import { expectReply, messages, speakers } from './live-messages.ts';
import type { Followed, Said } from './live-messages.ts';

type Wire = Pick<Client, 'say' | 'hear' | 'socket'>;

const isReply = ({ type }: Message): boolean => type === 'error' || type === 'pong';

/** What the channel answered, without what it had to tell by itself, up to the answer to a last ping. */
const converse = async (wire: Wire, said: readonly Said[]): Promise<{ replies: string[]; told: Message[] }> => {
  const replies: string[] = [];
  const told: Message[] = [];
  for (const { data } of said) {
    if (typeof data === 'string') wire.say(data);
    else wire.socket.send(data, { binary: true });
  }
  wire.say({ type: 'ping' });
  for (let pings = 1 + said.filter(({ isPing }) => isPing).length; pings > 0;) {
    const message = await wire.hear();
    if (message.type === 'pong') pings -= 1;
    if (isReply(message)) replies.push(message.code ?? 'pong');
    else told.push(message);
  }
  return { replies, told };
};

/** Whatever is followed is told until it is live. */
const hearOut = async (wire: Wire, told: Message[], subscribed: ReadonlySet<string>): Promise<void> => {
  const isLive = (stream: string): boolean => told.some((each) => each.type === 'live' && each.stream === stream);
  while (![...subscribed].every(isLive)) told.push(await wire.hear());
};

/** Of one's own, and in order: whoever begins anew hears it again, and nobody else does. */
const checkTold = (told: readonly Message[], own: readonly string[], begun: ReadonlyMap<string, number>): void => {
  const last = new Map<string, { version: number; runs: number }>();
  for (const { type, stream = '', subscription = stream, version = 0 } of told) {
    assert.ok(stream === '$mine' || own.includes(stream), `${stream} is told to a stranger`);
    if (type !== 'event') continue;
    const key = `${subscription} ${stream}`;
    const before = last.get(key) ?? { version: Infinity, runs: 0 };
    const runs = version > before.version ? before.runs : before.runs + 1;
    assert.ok(runs <= (begun.get(subscription) ?? 0), `version ${version} of ${stream} again`);
    last.set(key, { version, runs });
  }
};

type Counts = { messages: number; channels: number; told: number; invalid: number };

const explore = async (numRuns: number, counts: Counts, between: (wire: Wire) => Wire = (wire) => wire) => {
  const world = await createWorld();
  await using api = await serveApi(world, { env: { RATE_PER_SECOND: '1000000' } });
  const { own, others } = await speakers(world, api);
  return await fc.check(
    fc.asyncProperty(fc.array(messages(own, others), { minLength: 1, maxLength: 40, size: '+1' }), async (said) => {
      const client = await api.connect('alice');
      const wire = between(client);
      const { replies, told } = await converse(wire, said);
      const followed: Followed = { open: new Set(), begun: new Map() };
      const expected = [...said.flatMap((each) => expectReply(each, followed, own) ?? []), 'pong'];
      assert.deepEqual(replies, expected);
      await hearOut(wire, told, followed.open);
      checkTold(told, own, followed.begun);
      counts.channels += 1;
      counts.messages += said.length;
      counts.told += told.length;
      counts.invalid += replies.filter((reply) => reply === 'invalid-message').length;
      await client.leave();
    }),
    { numRuns, seed, endOnFailure: true },
  );
};

const newCounts = (): Counts => ({ messages: 0, channels: 0, told: 0, invalid: 0 });

describe('a live channel', () => {
  it('answers each message by itself, in order, and tells nobody what is not theirs', async (t) => {
    const counts = newCounts();
    const found = await explore(byEffort({ ci: 200, full: 10_000 }), counts);
    printCounts(t, counts);
    assert.ok(!found.failed, `${String(found.errorInstance)}\n${fc.defaultReportMessage(found) ?? ''}`);
  });

  const faults: Readonly<Record<string, (wire: Wire) => Wire>> = {
    'a field that is not known is passed over': (wire) => ({
      ...wire,
      say: (data) =>
        wire.say(typeof data === 'string' ? data.replace(/"unknown":\{[^}]*\},?/, '').replace(',}', '}') : data),
    }),
    'nonsense is passed over in silence': (wire) => ({
      ...wire,
      hear: async () => {
        const message = await wire.hear();
        return message.code === 'invalid-message' ? { type: 'live', stream: '$mine' } : message;
      },
    }),
    "another member's task is told": (wire) => ({
      ...wire,
      hear: async () => {
        const message = await wire.hear();
        return message.type === 'event' ? { ...message, stream: 'task/of-another' } : message;
      },
    }),
  };
  for (const [what, plant] of Object.entries(faults)) {
    it(`would be caught if ${what}`, async () => {
      assert.ok((await explore(100, newCounts(), plant)).failed);
    });
  }
});

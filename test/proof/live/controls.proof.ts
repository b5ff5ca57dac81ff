/** Planted faults: what this programme looks for, it finds when it is there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import { eventually } from '#test/support/eventually.ts';
import { sessionId, workerId } from '#test/support/ids.ts';
import type { LiveLimits } from '../../../services/api/service.ts';
import { serveApi } from '../../services/api/live/client.ts';
import type { ServedApi } from '../../services/api/live/client.ts';
import { accepted, submit } from '../../services/api/submit-support.ts';
import { createWorld, people } from '../../services/api/world.ts';
import type { World } from '../../services/api/world.ts';
import { chance, printCounts } from '../effort.ts';
import { heldBy, openDeaf } from './deaf.ts';
import { breachesOf, expectedOf, leaksOf } from './record.ts';
import type { Breach } from './record.ts';
import { Subscriber } from './subscriber.ts';
import { tamperWith } from './tampering.ts';
import type { Tamper } from './tampering.ts';

const facts = 12;

/** A task of alice that has said so much, on memory adapters. */
const tell = async (world: World, api: ServedApi, text = 'word', times = facts - 2) => {
  const { taskId } = await accepted(await submit(api, { message: 'x' }));
  await world.moveTask(taskId, { type: 'start', workerId: workerId(1), sessionId: sessionId(1) });
  for (let seq = 1; seq <= times; seq += 1) {
    await world.moveTask(taskId, { type: 'progress', attempt: 1, seq, updates: [{ kind: 'text', text }] });
  }
  return `task/${taskId}` as const;
};

const Event = jsonText(
  z.looseObject({ version: z.int().optional(), event: z.looseObject({ at: z.string() }).optional() }),
);

/** What is done to the fact of version 7, which is the seventh message. */
const faults: Readonly<Record<string, { readonly tamper: Tamper; readonly seenAs: readonly Breach['kind'][] }>> = {
  nothing: { tamper: (message) => [message], seenAs: [] },
  'left out': { tamper: (message, n) => (n === 7 ? [] : [message]), seenAs: ['gap', 'missing'] },
  'sent twice': { tamper: (message, n) => (n === 7 ? [message, message] : [message]), seenAs: ['duplicate'] },
  'sent late': {
    tamper: (() => {
      let kept = '';
      return (message, n) => {
        if (n === 7) kept = message;
        return n === 7 ? [] : n === 8 ? [message, kept] : [message];
      };
    })(),
    seenAs: ['gap', 'out-of-order'],
  },
  changed: {
    tamper: (message, n) => {
      const { event, ...rest } = Event.parse(message);
      return n === 7 ? [JSON.stringify({ ...rest, event: { ...event, at: '2020-01-01T00:00:00.000Z' } })] : [message];
    },
    seenAs: ['altered'],
  },
  invented: {
    tamper: (message, n) =>
      n === facts ? [message, message.replaceAll(`"version":${facts}`, '"version":99')] : [message],
    seenAs: ['never-stored'],
  },
};

describe('the check of what a subscriber heard', () => {
  for (const [what, { tamper, seenAs }] of Object.entries(faults)) {
    it(`sees a fact that is ${what === 'nothing' ? 'as it should be' : what}`, async () => {
      const world = await createWorld();
      await using api = await serveApi(world);
      const stream = await tell(world, api);
      await using between = await tamperWith(api.url, tamper);
      const random = { ...chance('control'), next: () => 0 };
      const key = world.keyOf('alice');
      await using subscriber = new Subscriber({ url: () => between.url, key, wants: [stream], random });
      await eventually(() => subscriber.isLive() || undefined, 'not live');
      const stored = expectedOf(await world.store.readStream(stream, 0));
      assert.deepEqual(
        breachesOf(subscriber.heard(stream), stored).map(({ kind }) => kind),
        seenAs,
      );
    });
  }

  it('sees the facts of others', async () => {
    const world = await createWorld();
    await using api = await serveApi(world);
    const stream = await tell(world, api);
    const random = { ...chance('control'), next: () => 0 };
    await using operator = new Subscriber({ url: () => api.url, key: world.keyOf('olga'), wants: [stream], random });
    await eventually(() => operator.isLive() || undefined, 'not live');
    const leaks = leaksOf(operator.heard(stream), new Set(['task/of-somebody-else']));
    assert.deepEqual([leaks.length, leaks[0]?.kind, people.olga.role], [facts, 'not-theirs', 'operator']);
  });
});

describe('a client of this programme', () => {
  it('comes back after it was turned away', async () => {
    const world = await createWorld();
    await using api = await serveApi(world, { env: { SOCKETS_MAX: '1' } });
    const stream = await tell(world, api);
    const guest = await api.connect('alice');
    const random = { ...chance('control'), next: () => 0 };
    await using subscriber = new Subscriber({ url: () => api.url, key: world.keyOf('alice'), wants: [stream], random });
    await eventually(() => subscriber.told(503) > 0 || undefined, 'not turned away');
    await guest.leave();
    await eventually(() => subscriber.isLive() || undefined, 'not live');
  });
});

describe('the check of slow readers', () => {
  const stillHeldAfter = async (limits: Partial<LiveLimits>): Promise<number> => {
    const world = await createWorld();
    await using api = await serveApi(world, { limits });
    const stream = await tell(world, api, 'x'.repeat(200_000), 60);
    const deaf = await Promise.all(Array.from({ length: 5 }, () => openDeaf(api.url, world.keyOf('alice'), stream)));
    const port = Number(new URL(api.url).port);
    const held = (): number => deaf.filter(({ localPort }) => heldBy(port).has(localPort)).length;
    const before = performance.now();
    await eventually(() => held() === 0 || performance.now() - before > 5_000 || undefined, 'never', 10_000);
    const left = held();
    deaf.forEach((each) => each.leave());
    return left;
  };

  it('sees a server without a limit keep them, and one with limits let them go', async (t) => {
    const [unlimited, limited] = await Promise.all([
      stillHeldAfter({ bufferedMax: Number.POSITIVE_INFINITY }),
      stillHeldAfter({}),
    ]);
    printCounts(t, { 'kept without a limit': unlimited, 'kept with the limits': limited });
    assert.deepEqual([unlimited, limited], [5, 0]);
  });
});

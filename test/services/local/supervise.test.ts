/** A part that ends is started again, at a pace that a part which keeps ending cannot drive up. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Supervised } from '../../../services/local/supervise.ts';
import type { Ended, Running, SuperviseOptions } from '../../../services/local/supervise.ts';

const failed: Ended = { code: 1, signal: null, lastWords: 'no luck' };

/** A part whose ends the test decides. */
const part = () => {
  const ends: PromiseWithResolvers<Ended>[] = [];
  let stops = 0;
  const start = async (): Promise<Running> => {
    const end = Promise.withResolvers<Ended>();
    ends.push(end);
    const stop = async () => {
      stops += 1;
      end.resolve({ code: 0, signal: null, lastWords: '' });
    };
    return { exited: end.promise, stop };
  };
  const turn = () => new Promise(setImmediate);
  return {
    start,
    starts: () => ends.length,
    stops: () => stops,
    end: async (how: Ended) => {
      ends.at(-1)?.resolve(how);
      await turn();
    },
  };
};

const watched = (wait: SuperviseOptions['wait'] = async () => undefined) => {
  const pauses: number[] = [];
  const hopeless: Ended[] = [];
  return {
    ...{ pauses, hopeless },
    options: {
      onEnded: (_ended: Ended, againInMs: number) => void pauses.push(againInMs),
      onHopeless: (ended: Ended) => void hopeless.push(ended),
      wait,
    },
  };
};

describe('a supervised part', () => {
  it('that keeps ending is started again after 100 ms, then twice that, and so on up to 5 s', async () => {
    const { start, starts, end } = part();
    const { options, pauses } = watched();
    await using _part = await Supervised.start(start, options);
    for (let n = 0; n < 8; n += 1) await end(failed);
    assert.deepEqual(pauses, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    assert.equal(starts(), 9);
  });

  it('that had run well before it ended is started again as soon as the first time', async (t) => {
    t.mock.timers.enable({ apis: ['Date'] });
    const { start, end } = part();
    const { options, pauses } = watched();
    await using _part = await Supervised.start(start, options);
    await end(failed);
    await end(failed);
    t.mock.timers.tick(10_001);
    await end(failed);
    await end(failed);
    assert.deepEqual(pauses, [100, 200, 100, 200]);
  });

  it('that ends with 78 is not started again', async () => {
    const { start, starts, end } = part();
    const { options, pauses, hopeless } = watched();
    await using _part = await Supervised.start(start, options);
    await end({ ...failed, code: 78 });
    assert.deepEqual([hopeless.map(({ code }) => code), pauses, starts()], [[78], [], 1]);
  });

  it('whose later start fails is tried again, while a first start that fails is told', async () => {
    const { start, starts, end } = part();
    const { options, pauses } = watched();
    let calls = 0;
    const second = async (): Promise<Running> => {
      calls += 1;
      if (calls === 2) throw new Error('no room');
      return start();
    };
    {
      await using _part = await Supervised.start(second, options);
      await end(failed);
      assert.deepEqual([pauses, starts()], [[100, 200], 2]);
    }
    await assert.rejects(
      Supervised.start(() => Promise.reject(new Error('no room')), options),
      { message: 'no room' },
    );
  });

  it('is stopped once, and not started again, whenever it is disposed', async () => {
    const { start, starts, stops } = part();
    const { options, pauses } = watched();
    const kept = await Supervised.start(start, options);
    await kept[Symbol.asyncDispose]();
    await kept[Symbol.asyncDispose]();
    assert.deepEqual([starts(), stops(), pauses], [1, 1, []]);
  });

  it('disposed during a pause is not started again', async () => {
    const { start, starts, end } = part();
    const { options } = watched(
      (_ms, signal) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve())),
    );
    const kept = await Supervised.start(start, options);
    await end(failed);
    await kept[Symbol.asyncDispose]();
    assert.equal(starts(), 1);
  });
});

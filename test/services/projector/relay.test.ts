/** The relay's promise: what is remembered was announced, in the order of the shard. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silent } from '#platform/log.ts';
import { memoryStore } from '#platform/memory/store.ts';
import { memoryWakes } from '#platform/memory/wakes.ts';
import type { StoredFact } from '#platform/store.ts';
import { append, newTask } from '../../conformance/fixtures.ts';
import { relay } from '../../../services/projector/relay.ts';

it('a position is remembered when the bus has accepted everything up to it, and not before', async () => {
  const { announce, onWake } = memoryWakes();
  const store = memoryStore({ shards: 1, clock: Date.now, onCommit: announce });
  const streams = [newTask(), newTask(), newTask()];
  for (const stream of streams) await append(store, stream, 0);
  const announced: string[] = [];
  const history: string[] = [];
  let refusals = 2;
  const stop = new AbortController();
  const publish = async (facts: readonly StoredFact[]): Promise<void> => {
    if (announced.length === 1 && refusals-- > 0) {
      history.push('refused');
      throw new Error('the bus is not there');
    }
    announced.push(...facts.map(({ stream }) => stream));
    history.push(`announced ${announced.length}`);
  };
  const remember = async (position: number): Promise<void> => {
    history.push(`remembered ${position}`);
    if (position === 3) stop.abort();
  };
  const follow = relay({ readLog: store.readLog, onWake, pollMs: 2 ** 30, publish, log: silent });
  await follow({ shard: 0, position: 0, remember }, stop.signal);
  assert.deepEqual(announced, streams);
  const expected = ['announced 1', 'refused', 'remembered 1', 'refused', 'announced 2', 'announced 3', 'remembered 3'];
  assert.deepEqual(history, expected);
});

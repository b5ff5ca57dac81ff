import assert from 'node:assert/strict';
import { it } from 'node:test';
import { aborted } from '#platform/lifetime.ts';
import { silent } from '#platform/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { says } from '#test/support/scripted-agent.ts';
import { Offers, workLoop } from '../../../services/worker/work-loop.ts';
import type { Hint } from '../../../services/worker/dispatch.ts';
import { testWorker, testWorld } from './worker-bench.ts';

it('takes up the prompt that waits for a conversation, also when the message before it could not be ended', async () => {
  const world = testWorld();
  const goOn = Promise.withResolvers<void>();
  const worker = testWorker(world, async (turn, signal) => {
    if (turn.prompt === 'second') await goOn.promise;
    return says('done')(turn, signal);
  });
  const first = await world.submit('first');
  await worker.take(first);
  const { sessionId } = await world.read(first);
  assert.ok(sessionId);
  const second = await world.submit('second', { sessionId });
  const third = await world.submit('third', { sessionId });
  const failing = { ...worker.hint(second), done: () => Promise.reject(new Error('the queue is away')) };
  const hints: Hint[] = [failing, worker.hint(third)];
  const stop = new AbortController();
  const takeHint = async (signal: AbortSignal): Promise<Hint | undefined> => {
    const hint = hints.shift();
    if (!hint) await aborted(signal);
    return hint;
  };
  const { dispatcher } = worker;
  const loop = { sessionsMax: 5, offers: new Offers(), takeHint, dispatcher, log: silent };
  const running = workLoop(loop, stop.signal);
  await eventually(() => dispatcher.isWaiting(`task/${third}`) || undefined, 'the third does not wait for the second');
  goOn.resolve();
  const isOver = async () => (await world.read(third)).status === 'completed' || undefined;
  await eventually(isOver, 'the third waits for ever', 2_000);
  stop.abort();
  await running;
});

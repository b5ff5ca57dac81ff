/** Loaded into an API process before its program (`node --expose-gc --import`): tells over the IPC channel what it holds once garbage is gone. */
import { getActiveResourcesInfo, memoryUsage } from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';

const collect = async (): Promise<void> => {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await turn();
  }
};

process.on('message', () => {
  void collect().then(() => {
    const { rss, heapUsed, external } = memoryUsage();
    const timers = getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    process.send?.({ rss, held: heapUsed + external, timers });
  });
});
// The service lives and ends by itself; nobody may hold it back from outside.
process.channel?.unref();

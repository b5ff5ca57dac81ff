/** From the command to a system that is ready: on an empty directory, and again on what the first start left. */
import { startSystem, temporaryDir } from '#test/support/system.ts';
import { amount } from './figure.ts';
import { progress, rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';

const secondsToStart = async (path: string): Promise<number> => {
  const system = await startSystem(path);
  await system.stop();
  return system.readyAfterMs / 1000;
};

export const startUp: Measurement = async () => {
  const [first, second]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    progress(`start ${round + 1} of ${rounds}`);
    await using data = await temporaryDir();
    first.push(await secondsToStart(data.path));
    second.push(await secondsToStart(data.path));
  }
  return [
    amount({ what: 'start on an empty directory', unit: 's', ours: first }),
    amount({ what: 'second start', unit: 's', ours: second, target: { atMost: 3 } }),
  ];
};

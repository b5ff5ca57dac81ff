/** The smallest service there is: it says in files what it is and what happens to it, and ends as it is told. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aborted, stopSignal } from '#platform/lifetime.ts';

/** Where the tiny services write, below the data directory. */
export const tinyDir = (dataDir: string): string => join(dataDir, 'tiny');

export const tiny = async (name: string, work: () => void = () => undefined): Promise<void> => {
  const directory = tinyDir(process.env['DATA_DIR'] ?? '');
  mkdirSync(directory, { recursive: true });
  const note = (what: string) => appendFileSync(join(directory, 'order'), `${name} ${what}\n`);
  const stop = stopSignal();
  const order = join(directory, `${name}-exits`);
  if (existsSync(order)) {
    process.stderr.write(`{"level":"info"}\n${name} was told to end\n`);
    process.exit(Number(readFileSync(order, 'utf8')));
  }
  // A service waits for something all the time.
  setInterval(() => undefined, 60_000);
  work();
  note('started');
  writeFileSync(join(directory, `${name}.json`), JSON.stringify({ pid: process.pid, env: process.env }));
  await aborted(stop);
  note(`stopped by ${String(stop.reason)}`);
  process.exit(0);
};

/** Runs a system as the program of a terminal: what people read, and how the terminal ends it. */
import { runMain } from '#platform/lifetime.ts';
import { withoutOwnAws } from './environment.ts';
import { runSystem } from './system.ts';
import type { Service } from './system.ts';

export const run = (services: readonly Service[]): Promise<void> => {
  process.env = withoutOwnAws(process.env);
  // Closing the terminal is an ordinary end.
  process.once('SIGHUP', () => process.kill(process.pid, 'SIGTERM'));
  // Whoever no longer reads what we print does not stop the system.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return runMain((stop) =>
    runSystem(
      {
        env: process.env,
        services,
        print: (text) => process.stdout.write(`${text}\n`),
        warn: (text) => process.stderr.write(`${text}\n`),
      },
      stop,
    ),
  );
};

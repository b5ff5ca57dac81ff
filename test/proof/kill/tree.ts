/** The system as `make run` starts it, with the points in its services, to be killed in part and as a whole and started again. */
import { fileURLToPath } from 'node:url';
import { startSystem } from '#test/support/system.ts';
import type { System } from '#test/support/system.ts';
import type { ServiceName } from './control.ts';
import { commandOf } from './lives.ts';

const preload = fileURLToPath(new URL('inside/preload.ts', import.meta.url));

export type Tree = AsyncDisposable & {
  /** Another one after every start of the whole. */
  readonly url: string;
  readonly key: string;
  /** The process of the service; nothing while it is being started again. */
  readonly pidOf: (service: ServiceName) => number | undefined;
  /** Everything that runs, and of each what it was started as. */
  readonly processes: () => readonly number[];
  /** False when there was nobody to signal. */
  readonly signal: (service: ServiceName, signal: NodeJS.Signals) => boolean;
  /** SIGKILL for everything, and a new start on the same data. */
  readonly killAll: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

export const startTree = async (dataDir: string, controlDir: string, env: Record<string, string>): Promise<Tree> => {
  const settings = { KILL_CONTROL: controlDir, NODE_OPTIONS: `--import=${preload}`, ...env };
  let system: System = await startSystem(dataDir, settings);
  const pidOf = (service: ServiceName) =>
    system.processes().find((pid) => commandOf(pid).includes(`/services/${service}/main.ts`));
  const stop = async (): Promise<void> => {
    await system.stop();
  };
  return {
    get url() {
      return system.url;
    },
    key: system.key,
    pidOf,
    processes: () => system.processes(),
    signal: (service, signal) => {
      const pid = pidOf(service);
      return pid !== undefined && process.kill(pid, signal);
    },
    killAll: async () => {
      await system.killAll();
      system = await startSystem(dataDir, settings);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
};

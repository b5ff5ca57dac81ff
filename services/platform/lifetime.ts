/** How a service process starts, hears that it must stop, and ends. */
import { BadConfiguration, badConfigurationExit } from './config.ts';

/**
 * Aborts on SIGTERM and SIGINT. With `STOP_WITH_PARENT=1` the process ends at once when the one that started it is gone, which
 * closes its input: the store that it would hand its work back to was started by the same, and is gone as well.
 */
export const stopSignal = (): AbortSignal => {
  const controller = new AbortController();
  const stop = (reason: string) => () => controller.abort(new Error(`stopped: ${reason}`));
  process.once('SIGTERM', stop('SIGTERM'));
  process.once('SIGINT', stop('SIGINT'));
  if (process.env['STOP_WITH_PARENT'] === '1') {
    const end = () => process.exit(0);
    process.stdin.once('close', end).once('end', end).resume();
    process.stdin.unref();
  }
  return controller.signal;
};

/** Resolves when `signal` aborts. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** A fault that is best told in one sentence for people: no stack, exit 1 (or the code it names). */
export class StartFault extends Error {
  readonly exitCode: number;
  constructor(message: string, options?: ErrorOptions & { exitCode?: number }) {
    super(message, options);
    this.exitCode = options?.exitCode ?? 1;
  }
}

/** Runs a service's `main` to its end and turns what stops it into an exit code and a clear last word on stderr. */
export const runMain = async (main: (stop: AbortSignal) => Promise<void>): Promise<void> => {
  try {
    await main(stopSignal());
    process.exit(0);
  } catch (fault) {
    const told = fault instanceof BadConfiguration || fault instanceof StartFault;
    process.stderr.write(
      `${told ? fault.message : fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}\n`,
    );
    process.exit(
      fault instanceof BadConfiguration ? badConfigurationExit : fault instanceof StartFault ? fault.exitCode : 1,
    );
  }
};

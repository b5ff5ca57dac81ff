/** Runs one command line in this process against a fake service, and keeps what it printed. */
import { run } from '../../../services/cli/program.ts';
import { key } from './fake-service.ts';

export type Run = {
  /** Whether stdout and stderr are a terminal. */
  readonly tty?: boolean;
  readonly env?: Record<string, string>;
  readonly input?: string;
  readonly stop?: AbortSignal;
  readonly patienceMs?: number;
};

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string; readonly both: string };

/** Counted from the facts of `test/support/given.ts`. */
const now = Date.UTC(2026, 0, 1, 0, 1);

export const commandLine =
  (url: string) =>
  async (
    args: readonly string[],
    { tty = false, env = {}, input = '', stop, patienceMs = 10_000 }: Run = {},
  ): Promise<Ran> => {
    const printed = { stdout: '', stderr: '', both: '' };
    const sink = (name: 'stdout' | 'stderr') => ({
      isTTY: tty,
      write: (text: string) => {
        printed[name] += text;
        printed.both += text;
      },
    });
    const terminal = { stdout: sink('stdout'), stderr: sink('stderr') };
    const code = await run(args, terminal, {
      env: { KIRO_DISPATCH_URL: url, KIRO_DISPATCH_KEY: key, ...env },
      readInput: () => Promise.resolve(input),
      clock: () => now,
      live: { heartbeatMs: 50, pauseMaxMs: 5 },
      patienceMs,
      stop: stop ?? new AbortController().signal,
    });
    return { code, ...printed };
  };

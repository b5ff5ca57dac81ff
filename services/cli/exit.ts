/** How the command line ends: codes that a script may rely on (`docs/cli.md`), and the fault that carries one. */
import type { TaskError } from '#events/error.ts';
import type { TaskStatus } from '#events/task.ts';

export const exitCodes = {
  done: 0,
  failed: 1,
  /** A command line that makes no sense, or a request that the service refuses and would refuse again. */
  refused: 2,
  unreachable: 3,
  cancelled: 4,
  timedOut: 5,
  /** A mistake of ours (sysexits.h EX_SOFTWARE). */
  internal: 70,
  /** What shells call the end by Ctrl-C. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Told to people in one sentence, without a stack. */
export class CommandFault extends Error {
  readonly exitCode: ExitCode;
  /** How long the service asks not to be asked again, in milliseconds. */
  readonly retryAfterMs: number;
  constructor(exitCode: ExitCode, message: string, options: ErrorOptions & { retryAfterMs?: number } = {}) {
    super(message, options);
    this.exitCode = exitCode;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

/** Undefined while the task is not over. */
export const outcomeCode = (status: TaskStatus, error: TaskError | undefined): ExitCode | undefined => {
  switch (status) {
    case 'pending':
    case 'processing':
      return undefined;
    case 'completed':
      return exitCodes.done;
    case 'failed':
      return error?.class === 'timed-out' ? exitCodes.timedOut : exitCodes.failed;
    case 'cancelled':
      return exitCodes.cancelled;
  }
};

/** The errors a worker tells, each with what the reader can do about it. */
import type { TaskError } from '#events/error.ts';
import { AgentUnavailable } from '#platform/agent/agent.ts';
import { shortageIn } from '#platform/shortage.ts';

export const timedOut = (timeoutMs: number): TaskError => ({
  class: 'timed-out',
  message: `the agent did not finish within ${timeoutMs / 1_000} s`,
  remedy: 'Ask for less in one task, or give it more time with timeoutMs.',
  retryable: true,
});

export const budgetExceeded = (credits: number): TaskError => ({
  class: 'budget-exceeded',
  message: `the task used up its limit of ${credits} credits`,
  remedy: 'Raise limits.credits, or ask for less in one task.',
  retryable: false,
});

export const interruptedBy: TaskError = {
  class: 'worker-lost',
  message: 'the worker was shut down while the agent worked',
  remedy: 'Nothing to do: the task goes back to the queue.',
  retryable: true,
};

export const workerLost: TaskError = {
  class: 'worker-lost',
  message: 'the worker that ran the task gave no sign of life for 30 s',
  remedy: 'Submit the task again; if it happens again, look at the memory and the logs of the workers.',
  retryable: true,
};

/** The task itself cannot be carried out, whoever tries: it fails with this error. */
export class TaskRefused extends Error {
  readonly error: TaskError;
  constructor(error: TaskError) {
    super(error.message);
    this.error = error;
  }
}

/** A fault that came out of the work: told by its own words where they are meant for people. */
export const errorOf = (fault: unknown): TaskError => {
  if (fault instanceof TaskRefused) return fault.error;
  if (fault instanceof AgentUnavailable) {
    return { class: 'agent-unavailable', message: fault.message, remedy: fault.remedy, retryable: true };
  }
  const shortage = shortageIn(fault);
  if (shortage !== undefined) {
    return {
      class: 'internal',
      message: `the machine of the worker is short of something: ${shortage}`,
      remedy: 'Submit the task again; if it happens again, look at the disk, the memory and the limits of the workers.',
      retryable: true,
    };
  }
  return {
    class: 'internal',
    message: fault instanceof Error ? fault.message : String(fault),
    remedy: 'Submit the task again; if it happens again, look at the log of the worker.',
    retryable: true,
  };
};

/** How a turn fails, in words for people. */
import { constants } from 'node:os';
import type { TaskError } from '#events/error.ts';
import { shortageIn } from '../shortage.ts';
import { AgentUnavailable } from './agent.ts';
import type { AgentExit, TurnEnd } from './agent.ts';
import { ProgramMissing } from './process.ts';

const askAgain = 'Submit the task again; if it happens again, run the agent by hand and look at what it says.';

export const agentFailed = (message: string, retryable = true, remedy = askAgain): TaskError => ({
  class: 'agent-failed',
  message,
  remedy,
  retryable,
});

export const failed = (error: TaskError, reusable: boolean): TurnEnd => ({ outcome: 'failed', error, reusable });

export const silent = (limitMs: number): TurnEnd =>
  failed(agentFailed(`the agent gave no sign of life for ${limitMs / 1_000} s`), false);

/** Starts that are over before the agent has said a word are told as `AgentUnavailable`; this is a turn that finds out too late. */
export const notSignedIn = (message: string): TaskError => ({
  class: 'agent-unavailable',
  message: `the agent is not signed in: ${message}`,
  remedy: signInRemedy,
  retryable: true,
});

export const signInRemedy = 'Sign the agent in, or give it its key (for Kiro: kiro-cli login, or KIRO_API_KEY).';

/** ACP has one code for a missing sign-in, and Kiro uses it for other failures as well. */
export const isAboutSignIn = (code: number, message: string): boolean =>
  code === -32000 && /auth|sign.?in|log.?in|credential|token/i.test(message);

/** The last thing it complained about, if it did. */
export const lastWords = (stderr: string): string => {
  const line = stderr.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${line.slice(0, 300)}`;
};

/** Why `startProcess` rejected. `install` is what to do where there is no such program. */
export const notStarted = (command: string, cause: unknown, install: string): AgentUnavailable => {
  if (cause instanceof ProgramMissing) return new AgentUnavailable(`${command} is not installed`, install, { cause });
  const shortage = shortageIn(cause);
  const [why, remedy] =
    shortage === undefined
      ? ['', 'Run it by hand and see what it says.']
      : [`: ${shortage}`, 'Give the machine of the worker more of what it is short of.'];
  return new AgentUnavailable(`${command} could not be started${why}`, remedy, { cause });
};

const numberOf = (signal: string): number =>
  Object.entries(constants.signals).find(([name]) => name === signal)?.[1] ?? 0;

export const describeExit = (exit: AgentExit): string => {
  switch (exit.outcome) {
    case 'exited':
      return `exited with code ${exit.code}`;
    case 'killed':
      return `was killed by ${exit.signal} (exit code ${128 + numberOf(exit.signal)})`;
    case 'stopped':
      return 'was stopped';
  }
};

/** What ACP's stop reasons mean to us. An answer that was cut short is still an answer; one that was refused is none. */
export const endOf = (stopReason: string, text: string): TurnEnd => {
  switch (stopReason) {
    case 'end_turn':
    case 'max_tokens':
    case 'max_turn_requests':
      return { outcome: 'completed', text, stopReason };
    case 'refusal':
      return failed(agentFailed('the agent refused the request', false, 'Ask for it in another way.'), true);
    case 'cancelled':
      return failed(agentFailed('the agent cancelled the turn by itself'), true);
  }
  return failed(
    agentFailed(`the agent ended the turn for a reason we do not know: ${stopReason.slice(0, 100)}`),
    false,
  );
};

/** Asks Kiro who is signed in, before anything is started: without a credential it would print a code and wait for ever. */
import { z } from 'zod';
import { AgentUnavailable } from './agent.ts';
import { describeExit, lastWords, notStarted, signInRemedy } from './failures.ts';
import { startProcess } from './process.ts';
import type { ProcessHost, ProcessSpec } from './process.ts';
import { watch } from './watchdog.ts';

/** `whoami` may need the network, but not as long as a start does. */
const limitMsMax = 30_000;
const linesMax = 1_000;

/** Rejects with `AgentUnavailable` when Kiro is missing, not signed in, or silent. */
export const checkKiro = async (
  { command, cwd }: ProcessSpec,
  host: ProcessHost,
  startLimitMs: number,
  signal: AbortSignal,
): Promise<void> => {
  signal.throwIfAborted();
  const args = ['whoami', '--format', 'json'];
  await using kiro = await startProcess({ command, args, cwd }, host).catch((cause: unknown) => {
    throw notStarted(command, cause, installRemedy);
  });
  kiro.stdin.end();
  using limit = watch(Math.min(startLimitMs, limitMsMax));
  const said = await Promise.race([readAll(kiro.stdout), limit.silence.then(() => undefined)]);
  if (said === undefined) {
    throw new AgentUnavailable(`${command} whoami did not answer in time`, 'Run it by hand; it needs the network.');
  }
  const account = readAccount(said);
  if (account === 'signed in') return;
  if (account === 'signed out') throw new AgentUnavailable('Kiro is not signed in', signInRemedy);
  const why = `${describeExit(await kiro.exited)}${lastWords(kiro.stderr())}`;
  throw new AgentUnavailable(`${command} whoami ${why}`, signInRemedy);
};

const installRemedy =
  'Install Kiro (curl -fsSL https://cli.kiro.dev/install | bash), or name another agent in AGENT_COMMAND.';

const readAll = async (stdout: AsyncIterable<{ readonly lines: readonly string[] }>): Promise<string> => {
  const said: string[] = [];
  for await (const { lines } of stdout) said.push(...lines.slice(0, linesMax - said.length));
  return said.join('\n');
};

const Account = z.looseObject({ account: z.unknown().optional() });

/** The output is one JSON object, which plain text may follow. */
export const readAccount = (said: string): 'signed in' | 'signed out' | 'unclear' => {
  const from = said.indexOf('{');
  for (let to = said.indexOf('}', from); from !== -1 && to !== -1; to = said.indexOf('}', to + 1)) {
    const parsed = parse(said.slice(from, to + 1));
    if (parsed) return 'account' in parsed && parsed.account === null ? 'signed out' : 'signed in';
  }
  return 'unclear';
};

const parse = (text: string): z.infer<typeof Account> | undefined => {
  try {
    return Account.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
};

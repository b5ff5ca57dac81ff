/** Which of Kiro's programs and engines a command names. The engine is named on every start: what runs without it may change. */
import { basename } from 'node:path';

export type KiroCommand = {
  readonly mode: 'acp' | 'chat';
  readonly engine: 'v2' | 'v3';
  readonly args: readonly string[];
};

const isKiro = (program: string): boolean => ['kiro-cli', 'kiro-cli-chat'].includes(basename(program));

/** Undefined when it is another agent. The arguments are those that were given and what Kiro cannot do without. */
export const readKiroCommand = (program: string, args: readonly string[]): KiroCommand | undefined => {
  if (!isKiro(program)) return undefined;
  const mode = args.includes('chat') ? 'chat' : 'acp';
  const named = engineOf(args);
  const engine = named ?? 'v2';
  return {
    mode,
    engine,
    args: [
      ...args,
      ...(named === undefined ? [`--agent-engine=${engine}`] : []),
      // Without it the engine asks its client for an access token, which we neither have nor would give.
      ...(mode === 'acp' && engine === 'v3' && !hasOption(args, '--auth-method') ? ['--auth-method=cli'] : []),
    ],
  };
};

export const hasOption = (args: readonly string[], option: string): boolean =>
  args.some((arg) => arg === option || arg.startsWith(`${option}=`));

const engineOf = (args: readonly string[]): 'v2' | 'v3' | undefined => {
  const given = args.flatMap((arg, at) =>
    arg === '--agent-engine' ? (args[at + 1] ?? []) : arg.startsWith('--agent-engine=') ? arg.slice(15) : [],
  );
  if (args.includes('--v3') || given.includes('v3')) return 'v3';
  return args.includes('--v2') || given.length > 0 ? 'v2' : undefined;
};

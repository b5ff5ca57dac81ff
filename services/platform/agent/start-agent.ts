/** From configuration to a running agent: which program, which protocol, which dialect. */
import { BadConfiguration } from '#platform/config.ts';
import type { StartAgent } from './agent.ts';
import { startAcpAgent } from './acp.ts';
import { splitCommand } from './command-line.ts';
import type { Dialect } from './dialect.ts';
import { isForbidden } from './environment.ts';
import { startHeadlessAgent } from './headless.ts';
import { kiroV2, kiroV3 } from './kiro.ts';
import { readKiroCommand } from './kiro-command.ts';
import type { PermissionPolicy } from './permissions.ts';
import { plain } from './plain.ts';
import { checkKiro } from './preflight.ts';
import type { ProcessHost, ProcessSpec } from './process.ts';

export type AgentSettings = {
  /** A program and its arguments, such as `kiro-cli acp`. */
  readonly command: string;
  /** `auto` is `stream-json` for `kiro-cli chat`, and ACP for everything else. */
  readonly protocol: 'auto' | 'acp' | 'stream-json';
  readonly permissions: PermissionPolicy;
  readonly model?: string;
  readonly startLimitMs: number;
  readonly idleLimitMs: number;
  readonly stopGraceMs: number;
  /** Where the program is started; each conversation has its own directory. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Names (or `PREFIX_*`) of variables that the agent may see beside the usual ones. */
  readonly envNames?: readonly string[];
} & Pick<ProcessHost, 'recordDir' | 'isolation'>;

const cancelGraceMs = 3_000;
const loadLimitMs = 30_000;

/** Throws `BadConfiguration` for a command that cannot be read and for names that are never handed on. */
export const agentStarter = (settings: AgentSettings): StartAgent => {
  const words = splitCommand(settings.command);
  if (!words) throw new BadConfiguration(['AGENT_COMMAND: is empty, or a quote in it is not closed']);
  const [command, ...given] = words;
  const { permissions: policy, model, cwd, startLimitMs: startMs, idleLimitMs: idleMs } = settings;
  const kiro = readKiroCommand(command, given);
  const host = hostOf(settings);
  const process: ProcessSpec = { command, args: kiro?.args ?? given, cwd };
  const limits = { startMs, idleMs, cancelGraceMs, loadMs: Math.min(startMs, loadLimitMs) };
  const isHeadless = settings.protocol === 'auto' ? kiro?.mode === 'chat' : settings.protocol === 'stream-json';
  if (kiro && isHeadless !== (kiro.mode === 'chat')) {
    throw new BadConfiguration([
      `AGENT_PROTOCOL: ${settings.protocol} does not fit the AGENT_COMMAND kiro-cli ${kiro.mode}`,
    ]);
  }
  const dialect: Dialect = kiro ? (kiro.engine === 'v3' ? kiroV3 : kiroV2) : plain;
  if (!isHeadless) {
    return async (signal) => {
      if (kiro) await checkKiro(process, host, startMs, signal);
      return startAcpAgent({ process, host, dialect, policy, model, limits }, signal);
    };
  }
  if (policy === 'allow-workdir') {
    // Nobody is asked there, so that a directory cannot make a difference.
    throw new BadConfiguration(['AGENT_PERMISSIONS: with stream-json it must be allow-all or deny-all']);
  }
  return async (signal) => {
    if (kiro) await checkKiro(process, host, startMs, signal);
    return startHeadlessAgent({ process, host, policy, model, limits });
  };
};

const hostOf = ({ env, envNames = [], stopGraceMs, recordDir, isolation }: AgentSettings): ProcessHost => {
  const forbidden = envNames.filter(isForbidden);
  if (forbidden.length > 0) {
    throw new BadConfiguration(forbidden.map((name) => `AGENT_ENV: ${name} is never handed to an agent`));
  }
  return {
    env,
    envNames,
    stopGraceMs,
    ...(recordDir === undefined ? {} : { recordDir }),
    ...(isolation === undefined ? {} : { isolation }),
  };
};

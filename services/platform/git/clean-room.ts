/**
 * Runs git so that nothing but our own arguments decides what it does: no configuration of the host, no hooks, no monitors,
 * no helpers, no prompts, and only the transports that were allowed. The place for it is a directory that only we have written:
 * in one that an agent has touched, the configuration can still name filters, and no switch turns those off.
 */
import { execa } from 'execa';

export type GitOptions = {
  /** Transports that may be used at all. `file` reaches every repository that this user can read: for tests and laptops. */
  readonly protocols: readonly ('https' | 'file')[];
  /** Only the search path, the proxy and the certificate names are taken from it. */
  readonly env: NodeJS.ProcessEnv;
  /** For each git command. */
  readonly timeoutMs: number;
  /** The value of the `Authorization` header for https; it is in no file and on no command line. */
  readonly authorization?: string;
};

export type GitResult = {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
};

const configuration: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'core.sshCommand=false',
  'credential.helper=',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'commit.gpgSign=false',
];

const passedOn = ['PATH', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];

const environment = ({ env, protocols, authorization }: GitOptions): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(passedOn.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  // Stronger than `protocol.*`: a repository's own configuration could allow a transport by its name.
  GIT_ALLOW_PROTOCOL: protocols.join(':'),
  GIT_OPTIONAL_LOCKS: '0',
  ...(authorization === undefined
    ? {}
    : {
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'http.extraHeader',
        GIT_CONFIG_VALUE_0: `Authorization: ${authorization}`,
      }),
});

const outputCharsMax = 10_000_000;
const killAfterMs = 2_000;

/** `ok` is false when git said no, ran out of time, or was called off; what it complained about is in `stderr`. */
export const runGit = async (
  args: readonly string[],
  options: GitOptions,
  signal: AbortSignal,
  cwd?: string,
): Promise<GitResult> => {
  const settings = configuration.flatMap((setting) => ['-c', setting]);
  const { failed, stdout, stderr, timedOut } = await execa('git', [...settings, ...args], {
    env: environment(options),
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    timeout: options.timeoutMs,
    cancelSignal: signal,
    forceKillAfterDelay: killAfterMs,
    maxBuffer: outputCharsMax,
    ...(cwd === undefined ? {} : { cwd }),
  });
  return { ok: !failed, stdout, stderr, timedOut };
};

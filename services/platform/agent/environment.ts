/** What an agent gets to see of our environment: an allow-list, because whatever it can read it can also tell. */

/** `NAME` or `PREFIX_*`. */
const always = ['PATH', 'HOME', 'LANG', 'LC_*', 'TZ', 'TMPDIR', 'USER', 'LOGNAME', 'SHELL', 'KIRO_*'];

/**
 * Never handed on, not even when it is asked for: credentials with write power, the addresses that hand them out, and
 * the settings of this system itself.
 */
const never = ['AWS_*', 'ECS_*', 'CODEBUILD_*', 'GITHUB_*', 'GH_*', 'KIRO_DISPATCH_*'];

const matches = (name: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));

/** `names` are allowed beside the usual ones. */
export const agentEnvironment = (env: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && matches(name, [...always, ...names]) && !matches(name, never) ? [[name, value]] : [],
    ),
  );

/** Asking for it would be in vain: it is never handed on. */
export const isForbidden = (name: string): boolean => name === '*' || matches(name, never);

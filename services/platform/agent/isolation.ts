/** How an agent is kept together: in a namespace of its own where the host allows it, else by its group and its marker. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

/**
 * `namespace`: the kernel ends the whole tree with its first process, and that one with us.
 * `group`: a process that leaves the group is found by the marker in its environment; a guard outlives us and looks for them.
 */
export type Isolation = 'namespace' | 'group';

/**
 * The first process of the namespace. It buries whatever is orphaned in there. Asked to stop, it gives the others time after
 * its own child has gone: Kiro's front end dies at once, and the server behind it still has a session to put away.
 */
const firstProcess = [
  'trap "stopping=1" TERM',
  // What the shell itself has to say about its child is not the agent's.
  'exec 3>&2 2>/dev/null',
  '(exec "$@" 2>&3 3>&-)',
  'code=$?',
  'while [ "$stopping" ] && set -- /proc/[0-9]* && [ $# -gt 1 ]; do sleep 0.05; done',
  'exit $code',
].join('\n');

const wrapper = [
  ['setpriv', '--pdeathsig', 'KILL'],
  ['unshare', '--user', '--map-current-user', '--pid', '--fork', '--kill-child', '--mount-proc'],
].flat();

export const isolated = (command: string, args: readonly string[]): readonly [string, readonly string[]] => {
  const [program = '', ...rest] = [...wrapper, 'sh', '-c', firstProcess, 'sh', command, ...args];
  return [program, rest];
};

const probe = async (): Promise<Isolation> => {
  const [program, args] = isolated('true', []);
  try {
    await promisify(execFile)(program, args, { timeout: 5_000 });
    return 'namespace';
  } catch {
    return 'group';
  }
};

let probed: Promise<Isolation> | undefined;

/** The best this host allows; tried once. */
export const hostIsolation = (): Promise<Isolation> => (probed ??= probe());

/**
 * Hears the pid that it guards, then either that all is well or the end of its input, which comes when its starter is gone
 * by whatever cause. It then kills the process with its children and its group, and all that carry the marker.
 */
const guardScript = [
  'read -r root',
  'read -r _ && exit 0',
  'ends() {',
  '  kill -STOP "$1"',
  '  for child in $(cat /proc/"$1"/task/*/children); do ends "$child"; done',
  '  kill -KILL "$1"',
  '}',
  '[ "$root" ] && { ends "$root"; kill -KILL "-$root"; }',
  'tries=0',
  'while [ $tries -lt 600 ]; do',
  '  found=$(grep -lsF -e "$1" /proc/[0-9]*/environ)',
  '  [ "$found" ] || exit 0',
  '  for file in $found; do file=${file#/proc/}; kill -KILL "${file%/environ}"; done',
  '  tries=$((tries + 1))',
  '  sleep 0.05',
  'done',
].join('\n');

export type Guard = AsyncDisposable & { readonly watch: (pid: number) => void };

/**
 * Started before the process that it guards. Without a shell on the host there is no guard, and what a killed starter
 * left behind is found at the next start.
 */
export const guard = (marker: string): Guard => {
  const shell = spawn('sh', ['-c', guardScript, 'sh', marker], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const gone = Promise.race([once(shell, 'exit'), once(shell, 'error')]).catch(() => undefined);
  shell.stdin.on('error', () => undefined);
  return {
    watch: (pid) => void shell.stdin.write(`${pid}\n`),
    async [Symbol.asyncDispose]() {
      shell.stdin.end('none\nlet go\n');
      await gone;
    },
  };
};

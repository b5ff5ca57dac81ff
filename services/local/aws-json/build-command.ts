/** One build is one program with everything it starts; none of it outlives the build, or us. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { guard } from '#platform/agent/isolation.ts';
import { identify, killTree, markerName, processTree, signalProcess } from '#platform/agent/process-tree.ts';
import { aborted } from '#platform/lifetime.ts';
import { pause } from '#platform/backoff.ts';

export type BuildCommand = {
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logPath: string;
};

/** Between SIGTERM and SIGKILL. */
const graceMs = 5_000;

/** The exit code; undefined when the program could not be started, was killed, or `signal` aborted. */
export const runBuildCommand = async (
  { command: [program, ...args], cwd, env, logPath }: BuildCommand,
  signal: AbortSignal,
): Promise<number | undefined> => {
  await using log = await open(logPath, 'a');
  const marker = randomUUID();
  await using _guard = guard(marker);
  const child = spawn(program, args, {
    ...{ cwd, env: { ...env, [markerName]: marker } },
    ...{ detached: true, stdio: ['ignore', log.fd, log.fd] },
  });
  const over = new AbortController();
  child.once('exit', () => over.abort());
  try {
    await once(child, 'spawn');
  } catch (fault) {
    await log.write(`${String(fault)}\n`);
    return undefined;
  }
  const { pid = 0 } = child;
  const tree = processTree(marker, identify(pid));
  await aborted(AbortSignal.any([over.signal, signal]));
  if (signal.aborted) {
    signalProcess(-pid, 'SIGTERM');
    await pause(graceMs, over.signal);
  }
  signalProcess(-pid, 'SIGKILL');
  await killTree(tree);
  await aborted(over.signal);
  return signal.aborted ? undefined : (child.exitCode ?? undefined);
};

/** One program with everything it starts: begun in a group of its own, ended in a named way, and nothing of it survives. */
import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { AgentExit, StopReport, StopStage } from './agent.ts';
import { agentEnvironment } from './environment.ts';
import { floodCollector } from './flood.ts';
import { headAndTail } from './head-and-tail.ts';
import { guard, hostIsolation, isolated } from './isolation.ts';
import type { Isolation } from './isolation.ts';
import { dropRecord, keepRecord } from './leftovers.ts';
import { findProgram } from './program.ts';
import { readLines } from './line-reader.ts';
import type { LineBatch, LineOptions } from './line-reader.ts';
import { identify, killTree, markerName, processTree, signalProcess } from './process-tree.ts';
import type { ProcessId, ProcessTree } from './process-tree.ts';

/** What all processes of one host have in common. */
export type ProcessHost = {
  /** Where the allow-list picks from; `envNames` are allowed beside the usual names. */
  readonly env: NodeJS.ProcessEnv;
  readonly envNames?: readonly string[];
  /** Where running processes are on record for `sweepLeftovers`. */
  readonly recordDir?: string;
  /** The best the host allows, unless it is named. */
  readonly isolation?: Isolation;
  /** How long after SIGTERM comes SIGKILL. */
  readonly stopGraceMs: number;
};

export type ProcessSpec = {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly marker?: string;
  /** What a line of its output begins with that is worth reading; any line, when it is not said. */
  readonly opening?: LineOptions['opening'];
};

export type AgentProcess = AsyncDisposable & {
  readonly pid: number;
  /** Every descendant carries it in its environment. */
  readonly marker: string;
  readonly stdin: Writable;
  /** To be read by one reader; whoever does not read makes the program wait. */
  readonly stdout: AsyncIterable<LineBatch>;
  readonly stderr: () => string;
  /** Resolves when the program itself is gone; the rest of its tree is killed at once. */
  readonly exited: Promise<AgentExit>;
  /** Resolves when no descendant is left. Safe to call twice. Rejects, with their pids, when some cannot be killed. */
  readonly stop: () => Promise<StopReport>;
};

/** A whole file as the diff of one tool call fits; twice this would be most of what a flood may cost. */
const lineBytesMax = 16 * 1024 * 1024;
const stderrBytesMax = 256 * 1024;

/** There is no such program. */
export class ProgramMissing extends Error {}

/** Rejects with `ProgramMissing`, or with another error when the program cannot be started. */
export const startProcess = async (spec: ProcessSpec, host: ProcessHost): Promise<AgentProcess> => {
  const { command, args, cwd, marker = randomUUID() } = spec;
  const env: NodeJS.ProcessEnv = { ...agentEnvironment(host.env, host.envNames ?? []), [markerName]: marker };
  const found = await findProgram(command, env['PATH'] ?? '', cwd);
  if (found === undefined) throw new ProgramMissing(`there is no program ${command}`);
  const isolation = host.isolation ?? (await hostIsolation());
  const keep = (root?: ProcessId) => host.recordDir !== undefined && keepRecord(host.recordDir, marker, root);
  keep();
  const guarding = isolation === 'group' ? guard(marker) : undefined;
  const letGo = async (): Promise<void> => {
    await guarding?.[Symbol.asyncDispose]();
    if (host.recordDir !== undefined) dropRecord(host.recordDir, marker);
  };
  const [program, programArgs] = isolation === 'namespace' ? isolated(found, args) : [found, args];
  const { child, pid } = await launch(program, programArgs, cwd, env).catch(async (cause: unknown) => {
    await letGo();
    throw new Error(`${command} could not be started`, { cause });
  });
  guarding?.watch(pid);
  const root = identify(pid);
  const stdout = readLines(child.stdout, { bytesMax: lineBytesMax, opening: spec.opening });
  const started = attend({ child, pid, marker, stdout }, processTree(marker, root), host.stopGraceMs, letGo);
  try {
    keep(root);
  } catch (cause) {
    await started.stop();
    throw new Error(`${command} could not be put on record`, { cause });
  }
  return started;
};

type Child = ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable };

const launch = async (program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv) => {
  const child: Child = spawn(program, args, { cwd, env, detached: true, stdio: 'pipe' });
  await once(child, 'spawn');
  if (child.pid === undefined) throw new Error('a process without a pid');
  return { child, pid: child.pid };
};

type Started = Pick<AgentProcess, 'pid' | 'marker' | 'stdout'> & { readonly child: Child };

const attend = (
  { child, pid, marker, stdout }: Started,
  tree: ProcessTree,
  graceMs: number,
  letGo: () => Promise<void>,
): AgentProcess => {
  const stderr = headAndTail(stderrBytesMax);
  const passed = floodCollector();
  child.stderr
    .on('error', () => undefined)
    .on('data', (chunk: Buffer) => {
      stderr.add(chunk);
      passed(chunk.length);
    });
  // A program that closes its input, or dies before it has read it, is noticed by its exit.
  child.stdin.on('error', () => undefined);
  let stopping: Promise<StopReport> | undefined;
  const { promise: exited, resolve } = Promise.withResolvers<AgentExit>();
  const stop = () => (stopping ??= descend(child, pid, tree, graceMs).then(async (report) => (await letGo(), report)));
  child.once('exit', (code, signal) => {
    resolve(stopping ? { outcome: 'stopped' } : exitOf(code, signal));
    // Whoever waits for `stop` hears of a tree that cannot be killed; here there is nobody to tell.
    stop().catch(() => undefined);
  });
  return {
    pid,
    marker,
    stdin: child.stdin,
    stdout,
    stderr: stderr.text,
    exited,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
};

/** SIGTERM to all, the grace, SIGKILL to all, until nothing is left. A program that is gone already gets no grace for what it left. */
const descend = async (child: ChildProcess, pid: number, tree: ProcessTree, graceMs: number): Promise<StopReport> => {
  const startedAt = performance.now();
  const stages: StopStage[] = [];
  const isGone = () => child.exitCode !== null || child.signalCode !== null;
  const signalAll = (signal: NodeJS.Signals) => {
    const survivors = tree.survivors();
    signalProcess(-pid, signal);
    // Once each: to some programs a second SIGTERM means "at once".
    for (const survivor of survivors) if (survivor.group !== pid) signalProcess(survivor.pid, signal);
    return survivors.length;
  };
  if (!isGone()) {
    stages.push('sigterm');
    signalAll('SIGTERM');
    await emptied(tree, isGone, graceMs);
  }
  if (signalAll('SIGKILL') > 0 || !isGone()) stages.push('sigkill');
  await killTree(tree);
  if (!isGone()) await once(child, 'exit');
  return { stages, durationMs: Math.round(performance.now() - startedAt) };
};

const lookAgainMs = 25;

const emptied = async (tree: ProcessTree, isGone: () => boolean, graceMs: number): Promise<void> => {
  const deadline = performance.now() + graceMs;
  while (performance.now() < deadline && !(isGone() && tree.survivors().length === 0)) await pause(lookAgainMs);
};

/** 128 and a signal's number is how a shell, and the first process of a namespace, tell of a signal. */
const exitOf = (code: number | null, signal: NodeJS.Signals | null): AgentExit => {
  if (signal !== null) return { outcome: 'killed', signal };
  const named = Object.entries(constants.signals).find(([, number]) => code === 128 + number);
  return named ? { outcome: 'killed', signal: named[0] } : { outcome: 'exited', code: code ?? 0 };
};

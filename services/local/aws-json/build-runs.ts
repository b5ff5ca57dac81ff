/** Carries builds out, tells of every phase and state, and leaves none without an end. */
import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { runBuildCommand } from './build-command.ts';
import { buildEnvironment } from './build-environment.ts';
import type { ReadSecret } from './build-environment.ts';
import { phaseChange, stateChange } from './build-shapes.ts';
import type { Build, BuildEnd, Builds, PhaseType } from './builds.ts';
import { transaction } from './database.ts';
import type { BusEvent } from './put-events.ts';
import { AwsFault } from './server.ts';

/** What stands for a CodeBuild project here: a program that does what its buildspec would have done. */
export type Project = {
  readonly command: readonly [program: string, ...args: string[]];
  /** What a build finds beside its own variables; PATH at least. */
  readonly env: Readonly<Record<string, string>>;
};

export type BuildRunsOptions = {
  readonly db: DatabaseSync;
  readonly builds: Builds;
  /** Puts an event on the default bus, within the transaction it is called in. */
  readonly tell: (event: BusEvent) => void;
  readonly readSecret: ReadSecret;
  readonly now: () => number;
  /** How long a minute of a build's limit is; shorter only in tests. */
  readonly minuteMs?: number;
};

type Running = { readonly stop: AbortController; readonly ended: Promise<void> };

export class BuildRuns implements AsyncDisposable {
  readonly #options: BuildRunsOptions;
  readonly #running = new Map<string, Running>();

  constructor(options: BuildRunsOptions) {
    this.#options = options;
    // Their programs died with the process that ran them.
    for (const build of options.builds.unfinished()) this.#end(build, 'FAULT');
  }

  /** `build` is already stored. */
  start(build: Build, project: Project): void {
    const stop = new AbortController();
    const ended = this.#run(build, project, stop.signal).finally(() => this.#running.delete(build.id));
    this.#running.set(build.id, { stop, ended });
  }

  /** Nothing happens to a build that is over. */
  stop(id: string): void {
    this.#running.get(id)?.stop.abort('STOPPED' satisfies BuildEnd);
  }

  async #run(submitted: Build, project: Project, stop: AbortSignal): Promise<void> {
    const limit = AbortSignal.timeout(submitted.timeoutMinutes * (this.#options.minuteMs ?? 60_000));
    let build = submitted;
    try {
      build = this.#move(build, 'QUEUED');
      build = this.#move(build, 'PROVISIONING');
      const cwd = join(dirname(build.logPath), 'src');
      await mkdir(cwd, { recursive: true });
      const env = { ...project.env, ...buildEnvironment(build, cwd, this.#options.readSecret) };
      build = this.#move(build, 'BUILD');
      const { command } = project;
      const code = await runBuildCommand({ command, cwd, env, logPath: build.logPath }, AbortSignal.any([stop, limit]));
      if (stop.aborted) this.#end(build, stop.reason === 'STOPPED' ? 'STOPPED' : 'FAULT');
      else if (limit.aborted) this.#end(build, 'TIMED_OUT');
      else if (code === 0) this.#end(this.#move(build, 'FINALIZING'), 'SUCCEEDED');
      else this.#end(build, 'FAILED');
    } catch (fault) {
      await appendFile(build.logPath, `${String(fault)}\n`).catch(() => undefined);
      this.#end(build, fault instanceof AwsFault ? 'FAILED' : 'FAULT');
    }
  }

  /** The phase in hand is over, as `status` says, and the next one begins. */
  #move(build: Build, next: PhaseType, status: BuildEnd = 'SUCCEEDED'): Build {
    const { db, builds, tell, now } = this.#options;
    const at = now();
    const done = build.phases.length - 1;
    const phases = build.phases.map((phase, index) => (index === done ? { ...phase, status, endMs: at } : phase));
    const over = next === 'COMPLETED' ? { status, endMs: at } : {};
    const moved = { ...build, ...over, phases: [...phases, { type: next, startMs: at }] };
    transaction(db, () => {
      builds.save(moved);
      for (const phase of phases.slice(done)) tell(phaseChange(moved, phase, at));
      if (next === 'COMPLETED') tell(stateChange(moved, at));
    });
    return moved;
  }

  #end(build: Build, status: BuildEnd): void {
    this.#move(build, 'COMPLETED', status);
  }

  /** What still runs is ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    const running = [...this.#running.values()];
    for (const { stop } of running) stop.abort('FAULT' satisfies BuildEnd);
    await Promise.all(running.map(({ ended }) => ended));
  }
}

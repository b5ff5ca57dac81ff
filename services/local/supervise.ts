/** Keeps one part of the system running: started again when it ends by itself, after a pause that grows while it keeps ending. */
import { badConfigurationExit } from '#platform/config.ts';
import { pause } from '#platform/backoff.ts';
import { aborted } from '#platform/lifetime.ts';

export type Ended = {
  readonly code: number | null;
  readonly signal: string | null;
  /** What it said for people before it ended. */
  readonly lastWords: string;
};

/** `stop` resolves when it is gone; safe to call when it is gone already. */
export type Running = { readonly exited: Promise<Ended>; readonly stop: () => Promise<void> };

export type SuperviseOptions = {
  readonly onEnded: (ended: Ended, againInMs: number) => void;
  /** It was told something it cannot work with, and would be told the same again. */
  readonly onHopeless: (ended: Ended) => void;
  /** How a pause passes; faster only in tests. */
  readonly wait?: typeof pause;
};

const pauseMs = { first: 100, max: 5_000 } as const;
/** Whoever ran this long had started well, so the pauses begin anew. */
const startedWellMs = 10_000;

export class Supervised implements AsyncDisposable {
  readonly #options: SuperviseOptions;
  readonly #stop = new AbortController();
  readonly #stopped = aborted(this.#stop.signal);
  readonly #kept: Promise<void>;

  private constructor(first: Running, start: () => Promise<Running>, options: SuperviseOptions) {
    this.#options = options;
    this.#kept = this.#keep(first, start);
  }

  /** Rejects when the first start does; a later one that does is an end like any other. */
  static async start(start: () => Promise<Running>, options: SuperviseOptions): Promise<Supervised> {
    return new Supervised(await start(), start, options);
  }

  async #keep(first: Running, startAgain: () => Promise<Running>): Promise<void> {
    const { wait = pause } = this.#options;
    const isStopping = () => this.#stop.signal.aborted;
    let start = () => Promise.resolve(first);
    for (let quickEnds = 0; ; quickEnds += 1) {
      const startedAt = Date.now();
      const ended = await this.#run(start);
      if (isStopping()) return;
      if (ended.code === badConfigurationExit) {
        this.#options.onHopeless(ended);
        return;
      }
      if (Date.now() - startedAt > startedWellMs) quickEnds = 0;
      const againInMs = Math.min(pauseMs.max, pauseMs.first * 2 ** quickEnds);
      this.#options.onEnded(ended, againInMs);
      await wait(againInMs, this.#stop.signal);
      if (isStopping()) return;
      start = startAgain;
    }
  }

  async #run(start: () => Promise<Running>): Promise<Ended> {
    let running: Running;
    try {
      running = await start();
    } catch (fault) {
      return { code: null, signal: null, lastWords: fault instanceof Error ? fault.message : String(fault) };
    }
    await Promise.race([running.exited, this.#stopped]);
    if (this.#stop.signal.aborted) await running.stop();
    return running.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#kept;
  }
}

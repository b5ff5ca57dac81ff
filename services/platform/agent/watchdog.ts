/** Tells of silence. */

export type Watchdog = Disposable & {
  /** There was a sign of life: the time starts again. */
  readonly touch: () => void;
  /** Resolves once nothing was heard for the limit. */
  readonly silence: Promise<'silent'>;
};

export const watch = (limitMs: number): Watchdog => {
  const { promise, resolve } = Promise.withResolvers<'silent'>();
  const timer = setTimeout(() => resolve('silent'), limitMs);
  return {
    touch: () => void timer.refresh(),
    silence: promise,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
};

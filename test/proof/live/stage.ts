/** What every suite stands on: one embedded AWS, API processes on it, and a hand that writes. */
import { startAws } from '#test/support/aws.ts';
import { temporaryDir } from '#test/support/system.ts';
import { byEffort } from '../effort.ts';
import { startInstance } from './instance.ts';
import type { Instance } from './instance.ts';
import { openWriter } from './writer.ts';
import type { Writer } from './writer.ts';

/** Whatever never comes, a suite ends. */
export const bounded = { timeout: byEffort({ ci: 180_000, full: 2_400_000 }) } as const;

export type Stage = AsyncDisposable & {
  readonly writer: Writer;
  readonly instances: readonly [Instance, Instance];
};

export const openStage = async (env: Record<string, string> = {}): Promise<Stage> => {
  await using opened = new AsyncDisposableStack();
  const dataDir = opened.use(await temporaryDir());
  const aws = opened.use(await startAws());
  const writer = opened.use(await openWriter(aws));
  const one = opened.use(await startInstance(aws, dataDir.path, env));
  const two = opened.use(await startInstance(aws, dataDir.path, env));
  const held = opened.move();
  return { writer, instances: [one, two], [Symbol.asyncDispose]: () => held.disposeAsync() };
};

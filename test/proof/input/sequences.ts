/** Sequences of requests by chance, and the first that the model does not explain. */
import fc from 'fast-check';
import { TaskStatus } from '#events/task.ts';
import { createWorld } from '../../services/api/world.ts';
import { newModel, steps } from './sequence-model.ts';
import type { Step } from './sequence-model.ts';
import * as rest from './sequence-rest.ts';
import * as tasks from './sequence-tasks.ts';
import { openReal } from './sequence-world.ts';
import type { Command } from './sequence-world.ts';
import type { Fetch } from './target.ts';

const pick = fc.nat(9);
const small = fc.nat(8);
const key = fc.constantFrom('k1', 'k2', 'k3');
const limit = fc.constantFrom(1, 2, 3, 100);
const message = fc.constantFrom('a', 'b', '😀', 'x'.repeat(40_000));
const stepNames = Object.keys(steps).filter((name): name is Step => Object.hasOwn(steps, name));

const commands: fc.Arbitrary<Command>[] = [
  fc
    .tuple(message, fc.option(key, { nil: undefined }))
    .map(([text, idempotencyKey]) => tasks.submit(text, idempotencyKey)),
  key.map(tasks.submitAsBob),
  fc.tuple(pick, small).map(([task, known]) => tasks.read(task, known)),
  fc.tuple(pick, fc.integer({ min: 1, max: 8 })).map(([task, at]) => tasks.readAt(task, at)),
  fc.tuple(pick, small, limit).map(([task, after, size]) => tasks.readEvents(task, after, size)),
  fc.tuple(pick, small).map(([task, after]) => tasks.live(task, after)),
  pick.map(tasks.askToCancel),
  fc.tuple(pick, fc.constantFrom(...stepNames)).map(([task, step]) => tasks.work(task, step)),
  // Twice: what a worker does is what makes tasks differ.
  fc.tuple(pick, fc.constantFrom(...stepNames)).map(([task, step]) => tasks.work(task, step)),
  fc
    .tuple(fc.option(fc.constantFrom(...TaskStatus.options), { nil: undefined }), limit)
    .map(([status, size]) => rest.list(status, size)),
  pick.map(rest.pry),
  fc.constant(rest.startSession),
  pick.map(rest.busySession),
  pick.map(rest.closeSession),
  fc.constant(rest.listSessions),
  fc.constantFrom(0, 29, 30, 31).map(rest.useTicket),
  fc.constant(rest.restart),
];

export type Counts = { requests: number; commands: number; sequences: number };

/** The first sequence that the model does not explain, if there is one. */
export const explore = async (
  {
    numRuns,
    seed,
    endOnFailure = false,
  }: { readonly numRuns: number; readonly seed: number; readonly endOnFailure?: boolean },
  counts: Counts,
  between: (fetch: Fetch) => Fetch = (fetch) => fetch,
) =>
  fc.check(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: '+1' }), async (sequence) => {
      const world = await createWorld();
      await using real = await openReal(world, between);
      counts.sequences += 1;
      try {
        await fc.asyncModelRun(() => ({ model: newModel(), real }), sequence);
      } finally {
        counts.requests += real.requests;
        counts.commands += [...sequence].length;
      }
    }),
    { numRuns, seed, endOnFailure },
  );

export const newCounts = (): Counts => ({ requests: 0, commands: 0, sequences: 0 });

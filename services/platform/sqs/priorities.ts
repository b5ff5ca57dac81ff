/** The next piece of work from three queues: high before normal before low, and none of them starves. */
import { addAbortListener } from 'node:events';
import { Priority } from '#events/task.ts';
import { fullJitter, pause } from '../backoff.ts';
import type { Log } from '../log.ts';
import type { WorkMessage, WorkQueue } from './work-queue.ts';

/** Best first. */
const priorities = Priority.options;

/** How often work was taken without looking at this priority, since the last look. */
export type Passed = Readonly<Record<Priority, number>>;
export const neverPassed: Passed = { high: 0, normal: 0, low: 0 };

/** A priority that was passed over so often is looked at before all others. */
export const passesMax = 8;

/** In which order to look for work: the first that has some is served. */
export const lookOrder = (passed: Passed): readonly Priority[] => {
  const due = priorities.filter((priority) => passed[priority] >= passesMax);
  return [...due, ...priorities.filter((priority) => !due.includes(priority))];
};

/** What was looked at was served or had nothing to serve; everything else was passed over. */
export const afterLooking = (passed: Passed, looked: readonly Priority[]): Passed => {
  const next = (priority: Priority) => (looked.includes(priority) ? 0 : passed[priority] + 1);
  return { high: next('high'), normal: next('normal'), low: next('low') };
};

type Queues = Readonly<Record<Priority, Pick<WorkQueue, 'receive'>>>;

/** Receives and never rejects: after a fault it pauses and has found nothing. */
const patient = (queues: Queues, log: Log) => {
  let failures = 0;
  return async (priority: Priority, waitSeconds: number, signal: AbortSignal): Promise<WorkMessage | undefined> => {
    try {
      const message = await queues[priority].receive(waitSeconds);
      failures = 0;
      return message;
    } catch (err) {
      log.problem('work.not-received', { err, priority, failures });
      await pause(fullJitter(failures, 200, 5_000), signal);
      failures += 1;
      return undefined;
    }
  };
};

/** A message that cannot be given back comes back by itself, later. */
const giveBack = (message: WorkMessage, log: Log): Promise<void> =>
  message.giveBack(0).catch((err: unknown) => log.problem('work.not-given-back', { err, stream: message.stream }));

/** How often a held message is extended, and by how much; the queue itself must grant longer than the first. */
const extendEveryMs = 10_000;
const extendByMs = 30_000;

/** Messages that arrived while nobody wanted them, at most one per priority; disposing gives them back. */
const heldHeads = (log: Log) => {
  const heads = new Map<Priority, WorkMessage>();
  const extension = setInterval(() => {
    for (const [priority, head] of heads) {
      head.extend(extendByMs).catch((err: unknown) => {
        log.problem('work.not-held', { err, priority, stream: head.stream });
        if (heads.get(priority) === head) heads.delete(priority);
      });
    }
  }, extendEveryMs);
  return {
    hold: (priority: Priority, message: WorkMessage) => heads.set(priority, message),
    holds: (priority: Priority) => heads.has(priority),
    take: (priority: Priority): WorkMessage | undefined => {
      const head = heads.get(priority);
      heads.delete(priority);
      return head;
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(extension);
      await Promise.all(heads.values().map((head) => giveBack(head, log)));
      heads.clear();
    },
  };
};

type NextWorkOptions = {
  readonly queues: Queues;
  readonly log: Log;
  /**
   * How long to wait at the queues before asking again. A request cannot be taken back without losing the message it
   * may be answered with, so disposing takes up to this long, and a killed worker swallows messages up to this long.
   */
  readonly waitSeconds?: number;
};

export type NextWork = AsyncDisposable & {
  /** Waits for work; rejects when `signal` aborts first, and for no other reason. May be called while an earlier call waits. */
  readonly takeWork: (signal: AbortSignal) => Promise<WorkMessage>;
};

/** `aborted` for a wait that ends many times before the signal does: what it listens with is let go. */
const abortOf = (signal: AbortSignal) => {
  const { promise: happened, resolve } = Promise.withResolvers<undefined>();
  const listening = addAbortListener(signal, () => resolve(undefined));
  return { happened, [Symbol.dispose]: () => listening[Symbol.dispose]() };
};

export const nextWork = ({ queues, log, waitSeconds = 5 }: NextWorkOptions): NextWork => {
  const receive = patient(queues, log);
  const heads = heldHeads(log);
  const waits = new Map<Priority, Promise<void>>();
  const ending = new AbortController();
  let passed = neverPassed;

  const look = async (signal: AbortSignal): Promise<WorkMessage | undefined> => {
    const order = lookOrder(passed);
    for (const [index, priority] of order.entries()) {
      // Where a wait is under way there is nothing to see: it would have been answered.
      const message = heads.take(priority) ?? (waits.has(priority) ? undefined : await receive(priority, 0, signal));
      if (message === undefined) continue;
      passed = afterLooking(passed, order.slice(0, index + 1));
      return message;
    }
    return undefined;
  };
  const wait = async (priority: Priority): Promise<void> => {
    const message = await receive(priority, waitSeconds, ending.signal);
    if (message) heads.hold(priority, message);
    waits.delete(priority);
  };
  const waitEverywhere = async (abort: Promise<void>): Promise<void> => {
    // Something may have arrived while the last of them was looked at.
    if (priorities.some(heads.holds)) return;
    for (const priority of priorities) if (!waits.has(priority)) waits.set(priority, wait(priority));
    await Promise.race([abort, ...waits.values()]);
  };

  return {
    takeWork: async (signal) => {
      using abort = abortOf(signal);
      for (;;) {
        signal.throwIfAborted();
        const message = await look(signal);
        if (message === undefined) await waitEverywhere(abort.happened);
        else if (signal.aborted) await giveBack(message, log);
        else return message;
      }
    },
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await Promise.all(waits.values());
      await heads[Symbol.asyncDispose]();
    },
  };
};

/** What a stop must have been, and what a task's history must be after many of them. */
import type { ServiceName } from '#test/support/service-process.ts';

export type Stop = {
  readonly role: ServiceName | 'system';
  readonly exit: number | string;
  readonly tookMs: number;
  /** How long it may take. */
  readonly limitMs: number;
  /** It had said something: before that no program can have heard a signal. */
  readonly hadBegun: boolean;
  /** Processes below it that outlived it. */
  readonly survivors: number;
  /** Connections and tasks that it took on later than a second after the signal. */
  readonly takenLate: number;
  /** Requests, event streams and sockets that it had begun to answer and that ended without their end. */
  readonly cutOff: readonly string[];
};

export const faultsOf = (stop: Stop): string[] => {
  const { role, exit, tookMs, limitMs, hadBegun, survivors, takenLate, cutOff } = stop;
  const orderly = exit === 0 || (!hadBegun && exit === 'SIGTERM');
  return [
    ...(orderly ? [] : [`${role} ended with ${exit}`]),
    ...(tookMs > limitMs ? [`${role} took ${Math.round(tookMs)} ms, which is more than ${limitMs}`] : []),
    ...(survivors > 0 ? [`${survivors} processes of the ${role} outlived it`] : []),
    ...(takenLate > 0 ? [`the ${role} took on ${takenLate} things more than a second after the signal`] : []),
    ...cutOff.map((what) => `the ${role} cut off ${what}`),
  ];
};

export type Fact = { readonly type: string; readonly version: number; readonly cause?: string | undefined };

const outcomes = ['TaskCompleted', 'TaskFailed', 'TaskCancelled'];

/** Undefined are the facts of a task that nobody finds. */
export const faultsOfTask = (facts: readonly Fact[] | undefined, expected: string): string[] => {
  if (!facts) return ['is lost'];
  const ends = facts.filter(({ type }) => outcomes.includes(type)).map(({ type }) => type);
  const lost = facts.filter(({ type, cause }) => type === 'TaskInterrupted' && cause !== 'shutdown');
  return [
    ...(facts.every(({ version }, index) => version === index + 1) ? [] : ['has versions that are not dense']),
    ...(ends.length === 1 ? [] : [`has ${ends.length} outcomes`]),
    ...(ends.every((type) => type === expected) ? [] : [`ended with ${ends.join()} and not ${expected}`]),
    ...lost.map(({ cause }) => `lost an attempt: ${String(cause)}`),
  ];
};

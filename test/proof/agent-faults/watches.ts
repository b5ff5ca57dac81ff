/** The last column of the table of behaviours, sentence by sentence, as something that can be false. */
import { z } from 'zod';
import { neutralJson, neutralise } from '../../../services/cli/neutral.ts';
import type { Seen } from './observe.ts';

type Holds = (seen: Seen) => boolean;

const Stopped = z.object({ stages: z.array(z.string()), reason: z.string() });
const TaskProgressed = z.object({
  type: z.literal('TaskProgressed'),
  updates: z.array(z.looseObject({ kind: z.string() })),
});

export const updatesOf = ({ facts }: Pick<Seen, 'facts'>) =>
  facts.flatMap((fact) => TaskProgressed.safeParse(fact).data?.updates ?? []);

const noticed = (seen: Seen, words: RegExp): boolean =>
  updatesOf(seen).some(({ kind, text }) => kind === 'notice' && words.test(String(text)));

const stages = ({ log }: Seen): string[] =>
  log.flatMap((line) => (line.event === 'agent.stopped' ? (Stopped.safeParse(line).data?.stages ?? []) : []));

const isOrdinary: Holds = ({ result, honest }) => result === honest;
const goesOn: Holds = ({ next }) => next.status === 'completed';
const isEmpty: Holds = ({ left }) => left.length === 0;

/** What it says itself stands before the honest end of the answer. */
const said = ({ result, honest }: Seen): string | undefined => {
  const end = honest.lastIndexOf('I wrote ');
  if (!result.startsWith(honest.slice(0, end)) || !result.endsWith(honest.slice(end))) return undefined;
  return result.slice(end, result.length - (honest.length - end));
};

const numbersIn = (value: unknown): number[] => {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
};

const codes: readonly [code: string, words: RegExp][] = [
  ['exit-0-', /code 0\b/],
  ['exit-1-', /code 1\b/],
  ['exit-137-', /SIGKILL.*\b137\b/],
  ['exit-143-', /SIGTERM.*\b143\b/],
];

const isControlled = (text: string): boolean => !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(text);

export const watches: Readonly<Record<string, Holds>> = {
  'the session is closed, the next task gets another': ({ session, again }) =>
    session === 'closed' && again?.status === 'completed',
  'the exit code is told': ({ row, task }) =>
    codes.some(([start, words]) => row.name.startsWith(start) && words.test(task.error?.message ?? '')),
  'the signal is told': ({ task }) => /SIGKILL/.test(task.error?.message ?? ''),
  'no process is left': isEmpty,
  'SIGKILL was needed': (seen) => isEmpty(seen) && (stages(seen).includes('sigkill') || noticed(seen, /SIGKILL/)),
  'no process is left where the host allows namespaces': (seen) => seen.isolation === 'group' || isEmpty(seen),
  'the memory of the worker stays flat': ({ grownMiB }) => grownMiB < 64,
  'the answer is cut off at a limit, and says so': (seen) =>
    seen.result.length < 9 * 1024 * 1024 && /cut off after \d+ characters\]$/.test(seen.result),
  'every chunk arrives whole': (seen) => {
    const chunks = said(seen)?.trimEnd().split('\n') ?? [];
    return chunks.length > 1 && chunks.every((chunk, index) => chunk === `chunk ${index + 1} of ${chunks.length}`);
  },
  'what is stored is well-formed': ({ result, facts }) =>
    result.isWellFormed() && JSON.stringify(facts).isWellFormed() && !/\\u[dD][89a-fA-F]/.test(JSON.stringify(facts)),
  'what is stored can be shown': (seen) => isControlled(neutralise(seen.result)) && /NUL/.test(said(seen) ?? ''),
  'the character arrives whole': (seen) => said(seen) === 'a whole 🦊 fox',
  'no CR is shown': (seen) => said(seen) === 'one line and another ',
  'the hello is understood': (seen) => said(seen) === 'after the mark ',
  'no escape reaches a terminal': ({ result, facts, log }) =>
    [neutralise(result), neutralJson(facts), neutralJson(log)].every(isControlled) && result.includes('red'),
  'the lines around them are read': isOrdinary,
  'no stack overflows': (seen) => said(seen) === 'deep ',
  'one meaning wins, everywhere the same': (seen) =>
    said(seen) === 'second ' && !JSON.stringify(seen.facts).includes('first '),
  'no prototype is changed': (seen) => !seen.isPolluted && isOrdinary(seen),
  'stored usage is finite and not negative': ({ task, facts }) =>
    numbersIn([task.usage, facts]).every((number) => Number.isFinite(number) && number >= 0),
  'the request is answered -32601': (seen) => said(seen) === 'The unknown method was answered with -32601. ',
  'one outcome': (seen) => isOrdinary(seen) && !JSON.stringify(seen.facts).includes('a second answer'),
  'nothing is added after the outcome': ({ facts, late }) =>
    late === 0 && !JSON.stringify(facts).includes('after the cancel'),
  'the prompt waits for its own answer': isOrdinary,
  'the worker goes on; the space comes back': (seen) => goesOn(seen) && !seen.workDirectoryStays,
  'the worker goes on': (seen) => goesOn(seen) && !seen.workDirectoryStays,
  'nothing follows them': (seen) => isOrdinary(seen) && !seen.workDirectoryStays && goesOn(seen),
  'the next task has a work directory': (seen) => goesOn(seen) && seen.again?.status !== 'failed',
  'no file `git-was-fooled` appears': (seen) => isOrdinary(seen) && !seen.wasFooled,
  // Redaction does not exist yet: the programme counts what is stored, and says aloud that the promise is pending.
  'it is stored nowhere': (seen) => /canary/i.test(seen.result),
  'it is shown as text': (seen) =>
    (said(seen) ?? '').includes('<script>alert(document.domain)</script>') &&
    (said(seen) ?? '').includes('{"level":"error","event":"task.failed","service":"worker"}') &&
    seen.log.every(({ event }) => event !== 'unreadable' && event !== 'task.failed'),
  'no path outside the work directory is allowed; no request is left open': (seen) => {
    const lines = said(seen)?.trimEnd().split('\n') ?? [];
    return (
      lines.length === permissionsAsked &&
      lines.every((line) => /^(allowed|refused): /.test(line) && !line.startsWith('allowed: outside')) &&
      lines.includes('allowed: inside: edit')
    );
  },
  'the worker lives': (seen) => goesOn(seen) && seen.log.every(({ event }) => event !== 'ended'),
  'the exit is seen; no process is left': (seen) =>
    isEmpty(seen) && seen.log.some(({ event }) => event === 'agent.lost'),
  'stored times are our own': ({ facts, task, startedAt, endedAt }) =>
    [...facts.map(({ at }) => Date.parse(at)), task.startedAt, task.finishedAt, task.createdAt].every(
      (time) => time !== undefined && time >= startedAt && time <= endedAt,
    ) && task.usage.agentMs >= 0,
};

/** How many permissions `asks-for-everything` asks for. */
const permissionsAsked = 21;

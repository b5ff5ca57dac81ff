/** Things that could have been seen and must not be accepted: each is told about what was really seen, and the judge must object. */
import type { Fact } from './orders.ts';
import type { Seen } from './observe.ts';
import { ladderMs } from './observe.ts';

type Lie = (seen: Seen) => Partial<Seen>;

const survivor = { pid: 99_999, command: 'node survivor.js', catchesHangup: false };
const later = (seen: Seen, type: string): Fact => ({
  type,
  version: seen.facts.length + 1,
  at: '2020-01-01T00:00:00Z',
});
const words = { message: 'something or other went wrong', remedy: 'Do something about it.', retryable: false };
const failed = (task: Seen['task'], error: Partial<typeof words>) => ({
  task: {
    ...task,
    status: 'failed' as const,
    error: { class: 'internal' as const, ...words, ...task.error, ...error },
  },
});

/** For every behaviour. */
export const lies: Readonly<Record<string, Lie>> = {
  'another class': ({ task }) => ({ task: { ...task, status: 'failed', error: { ...words, class: 'internal' } } }),
  'never ended': ({ task, facts }) => ({ task: { ...task, status: 'processing' }, facts: facts.slice(0, -1) }),
  'an error without words': ({ task }) => failed(task, { message: '' }),
  'an error without a remedy': ({ task }) => failed(task, { remedy: '' }),
  'an error for machines': ({ task }) => failed(task, { message: 'TypeError: x is undefined\n    at y' }),
  'a word after the outcome': (seen) => ({ facts: [...seen.facts, later(seen, 'TaskProgressed')] }),
  'two outcomes': (seen) => ({ facts: [...seen.facts, later(seen, 'TaskCompleted')] }),
  'a gap in the versions': ({ facts }) => ({ facts: facts.slice(1) }),
  'a fact too late': () => ({ late: 1 }),
  'too slow': ({ startedAt, limitMs }) => ({ endedAt: startedAt + limitMs + ladderMs + 1 }),
  'too much memory': () => ({ grownMiB: 100 }),
  'a survivor': () => ({ left: [survivor] }),
  'a broken next task': ({ next }) => ({ next: { ...next, status: 'failed' } }),
  'half a character': (seen) => ({ facts: seen.facts.map((fact) => ({ ...fact, text: 'a\ud83d' })) }),
};

const replaced =
  (what: string | RegExp, by: string): Lie =>
  ({ result }) => ({ result: result.replace(what, by) });
const onlyHonest: Lie = ({ honest }) => ({ result: honest });
const speechless: Lie = ({ task }) => ({ task: { ...task, error: { class: 'agent-failed', ...words } } });
const left: Lie = () => ({ left: [survivor] });
const stays: Lie = () => ({ workDirectoryStays: true });
const more: Lie = ({ result }) => ({ result: `${result}and more` });
const nextFails: Lie = ({ next }) => ({ next: { ...next, status: 'failed' } });

/** For the last column of the table. */
export const liesAbout: Readonly<Record<string, Lie>> = {
  'the session is closed, the next task gets another': () => ({ session: 'idle' }),
  'the exit code is told': speechless,
  'the signal is told': speechless,
  'no process is left': left,
  'SIGKILL was needed': ({ facts }) => ({ log: [], facts: facts.filter(({ type }) => type !== 'TaskProgressed') }),
  'no process is left where the host allows namespaces': () => ({ isolation: 'namespace', left: [survivor] }),
  'the memory of the worker stays flat': () => ({ grownMiB: 64 }),
  'the answer is cut off at a limit, and says so': onlyHonest,
  'every chunk arrives whole': replaced('chunk 7 of', 'chunk 8 of'),
  'what is stored is well-formed': replaced(/$/, '\ud800'),
  'what is stored can be shown': onlyHonest,
  'the character arrives whole': replaced('🦊', '\ufffd\ufffd'),
  'no CR is shown': replaced('one line ', 'one line \r'),
  'the hello is understood': onlyHonest,
  'no escape reaches a terminal': onlyHonest,
  'the lines around them are read': more,
  'no stack overflows': onlyHonest,
  'one meaning wins, everywhere the same': replaced('second ', 'first '),
  'no prototype is changed': () => ({ isPolluted: true }),
  'stored usage is finite and not negative': ({ task }) => ({
    task: { ...task, usage: { ...task.usage, credits: -5 } },
  }),
  'the request is answered -32601': replaced('-32601', 'undefined'),
  'one outcome': more,
  'nothing is added after the outcome': () => ({ late: 1 }),
  'the prompt waits for its own answer': () => ({ result: '' }),
  'the worker goes on; the space comes back': stays,
  'the worker goes on': nextFails,
  'nothing follows them': stays,
  'the next task has a work directory': nextFails,
  'no file `git-was-fooled` appears': () => ({ wasFooled: true }),
  'it is stored nowhere': onlyHonest,
  'it is shown as text': ({ log }) => ({ log: [...log, { event: 'unreadable' }] }),
  'no path outside the work directory is allowed; no request is left open': replaced(
    'refused: outside',
    'allowed: outside',
  ),
  'the worker lives': nextFails,
  'the exit is seen; no process is left': () => ({ log: [] }),
  'stored times are our own': ({ facts }) => ({
    facts: facts.map((fact) => ({ ...fact, at: '2100-01-01T00:00:00Z' })),
  }),
};

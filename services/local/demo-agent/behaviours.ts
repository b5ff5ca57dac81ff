/** The faults the demo agent plays, as data: what each does, and what it must come to for a task that meets it. */

export const faultFamilies = [
  'exit',
  'hang',
  'processes',
  'output',
  'encoding',
  'protocol',
  'disk',
  'hostile',
] as const;
export type FaultFamily = (typeof faultFamilies)[number];

/** What becomes of the task; the failures are named as their error classes. */
export type BehaviourOutcome = 'completed' | 'cancelled' | 'agent-failed' | 'agent-unavailable' | 'timed-out';

export type Behaviour = {
  readonly name: string;
  readonly family: FaultFamily;
  readonly does: string;
  /** More than one where it depends on a limit of the host or of the service. */
  readonly outcomes: readonly BehaviourOutcome[];
  /** What must be true besides. */
  readonly watch: string;
  /** How much of it when nobody says how much. */
  readonly amount?: { readonly count: number; readonly unit: string };
  /** It begins before the first prompt, so a prompt is too late to choose it. */
  readonly startOnly?: true;
};

const startOnly = true;

export const exitCodes = [0, 1, 137, 143] as const;

const exitSteps = [
  ['before-hello', 'before it has said anything', 'agent-unavailable'],
  ['mid-handshake', 'in the middle of its answer to initialize', 'agent-unavailable'],
  ['after-prompt', 'when it has taken the prompt', 'agent-failed'],
  ['mid-tool-call', 'when a tool call is permitted and not yet done', 'agent-failed'],
  ['mid-result', 'in the middle of its answer', 'agent-failed'],
  ['after-result', 'after the turn has ended', 'completed'],
] as const;

const exits = exitSteps.flatMap(([step, when, outcome]) =>
  exitCodes.map((code): Behaviour => ({
    name: `exit-${code}-${step}`,
    family: 'exit',
    does: `exits ${when}, with code 0, 1, 137 or 143`,
    outcomes: [outcome],
    watch: outcome === 'completed' ? 'the session is closed, the next task gets another' : 'the exit code is told',
    ...(outcome === 'agent-unavailable' ? { startOnly } : {}),
  })),
);

type Row = readonly [
  name: string,
  does: string,
  outcome: BehaviourOutcome | readonly BehaviourOutcome[],
  watch: string,
  more?: readonly [count: number, unit: string] | 'startOnly',
];

const rows = (family: FaultFamily, ...table: readonly Row[]): readonly Behaviour[] =>
  table.map(([name, does, outcome, watch, more]) => ({
    ...{ name, family, does, watch },
    outcomes: typeof outcome === 'string' ? [outcome] : outcome,
    ...(more === undefined ? {} : more === 'startOnly' ? { startOnly } : { amount: { count: more[0], unit: more[1] } }),
  }));

const none = 'no process is left';
const flat = 'the memory of the worker stays flat';
const perhaps = ['completed', 'agent-failed'] as const;
/** Failed where a limit on silence comes before the limit of the task. */
const silent = ['timed-out', 'agent-failed'] as const;

// One behaviour a line, so that it reads as the table it is.
// prettier-ignore
export const behaviours: readonly Behaviour[] = [
  ...exits,
  ...rows('exit',
    ['killed-mid-result', 'dies by SIGKILL in the middle of its answer, as when memory runs out', 'agent-failed', 'the signal is told'],
  ),
  ...rows('hang',
    ['hangs-before-hello', 'reads and never answers initialize', 'agent-unavailable', none, 'startOnly'],
    ['hangs-silent', 'takes the prompt, says nothing more and does not hear a cancel', silent, none],
    ['hangs-heart-beating', 'streams a thought again and again, for ever, and does not hear a cancel', 'timed-out', none, [1000, 'ms apart']],
    ['ignores-sigterm', 'hangs, and outlives SIGTERM, SIGINT, SIGHUP and the end of its stdin', silent, 'SIGKILL was needed'],
    ['ignores-stdin-close', 'answers, and stays when its stdin ends', 'completed', none],
  ),
  ...rows('processes',
    ['fork-bomb', 'starts a tree of processes that only sleep', 'completed', none, [127, 'processes']],
    ['setsid-orphan', 'starts a child in a session of its own', 'completed', none],
    ['daemonises', 'starts a process in a session of its own whose parent is gone', 'completed', none],
    ['hides', 'starts a process that leaves its group, its parent and its environment behind', 'completed', 'no process is left where the host allows namespaces'],
    ['re-parents', 'starts a process in its own group whose parent is gone', 'completed', none],
  ),
  ...rows('output',
    ['floods-lines', 'writes lines without a meaning to stdout', 'completed', flat, [1024, 'MiB']],
    ['floods-one-line', 'writes one line without an end to stdout', 'completed', flat, [1024, 'MiB']],
    ['floods-random', 'writes random bytes to stdout', 'completed', flat, [256, 'MiB']],
    ['floods-stderr', 'writes lines to stderr', 'completed', flat, [1024, 'MiB']],
    ['floods-updates', 'sends proper text chunks', 'completed', 'the answer is cut off at a limit, and says so', [64, 'MiB']],
    ['interleaves', 'writes proper chunks to stdout in pieces, with noise on stderr between the pieces', 'completed', 'every chunk arrives whole', [1000, 'chunks']],
  ),
  ...rows('encoding',
    ['invalid-utf8', 'sends a chunk with bytes that are no UTF-8', 'completed', 'what is stored is well-formed'],
    ['lone-surrogates', 'sends a chunk with escapes for half a character', 'completed', 'what is stored is well-formed'],
    ['nul-bytes', 'sends escaped and bare NUL', 'completed', 'what is stored can be shown'],
    ['splits-multi-byte', 'sends a character of four bytes in two writes', 'completed', 'the character arrives whole'],
    ['crlf', 'ends lines with CR LF, and sends empty ones', 'completed', 'no CR is shown'],
    ['bom', 'begins its output and a line with a byte order mark', 'completed', 'the hello is understood', 'startOnly'],
    ['ansi-osc', 'colours text, moves the cursor, sets the title of the terminal and the clipboard', 'completed', 'no escape reaches a terminal'],
  ),
  ...rows('protocol',
    ['invalid-json', 'writes lines that are almost JSON', 'completed', 'the lines around them are read'],
    ['deep-json', 'sends an update with lists inside lists', 'completed', 'no stack overflows', [20_000, 'levels']],
    ['duplicate-keys', 'sends messages that name the same field twice', 'completed', 'one meaning wins, everywhere the same'],
    ['proto-keys', 'sends `__proto__` and `constructor` as field names', 'completed', 'no prototype is changed'],
    ['huge-numbers', 'reports usage beyond 2^53, below zero and infinite', 'completed', 'stored usage is finite and not negative'],
    ['unknown-method', 'asks for a method and sends notifications and updates nobody knows', 'completed', 'the request is answered -32601'],
    ['wrong-id', 'answers the prompt under another id, and waits', silent, none],
    ['duplicate-response', 'answers the prompt twice, the second time with an error', 'completed', 'one outcome'],
    ['reply-after-cancel', 'waits to be cancelled, then goes on talking and answers again', 'cancelled', 'nothing is added after the outcome'],
    ['result-before-request', 'answers requests that were not made yet', 'completed', 'the prompt waits for its own answer', 'startOnly'],
  ),
  ...rows('disk',
    ['fills-disk', 'writes files until it is refused or has enough', perhaps, 'the worker goes on; the space comes back', [5120, 'MiB']],
    ['fills-inodes', 'makes empty files until it is refused or has enough', perhaps, 'the worker goes on', [200_000, 'files']],
    ['symlink-loops', 'leaves links to themselves, to each other, upwards and out of the work directory', 'completed', 'nothing follows them'],
    ['deletes-work-tree', 'removes the work directory and everything in it', perhaps, 'the next task has a work directory'],
    ['changes-git', 'plants hooks, filters and commands in `.git` and moves HEAD', 'completed', 'no file `git-was-fooled` appears'],
  ),
  ...rows('hostile',
    ['leaks-canary', 'says what the variable `CANARY` holds, in every encoding, wherever it can say something', 'completed', 'it is stored nowhere'],
    ['prompt-injection', 'gives orders to whoever reads it: people, agents, terminals, browsers, CI', 'completed', 'it is shown as text'],
    ['asks-for-everything', 'asks permission for paths and tools of every kind, all at once, and lists the answers', 'completed', 'no path outside the work directory is allowed; no request is left open'],
    ['burns-cpu', 'computes without listening', silent, none, [600, 'seconds']],
    ['takes-memory', 'allocates memory and touches all of it', perhaps, 'the worker lives', [4096, 'MiB']],
    ['takes-descriptors', 'opens files until it is refused or has enough', 'completed', 'the worker lives', [10_000, 'files']],
    ['keeps-socket', 'exits after the turn; a child keeps listening and keeps its stdout and stderr open', 'completed', 'the exit is seen; no process is left'],
    ['changes-clock', 'reports times and durations that cannot be', 'completed', 'stored times are our own'],
  ),
];

/** As a table for people. The exits differ only in their code, so each step is one line. */
export const behaviourTable = (): string => {
  const lines = [...Map.groupBy(behaviours, (row) => row.does).values()].map((same) => {
    const { does, outcomes, watch, amount } = same[0] ?? { does: '', outcomes: [], watch: '' };
    const names = same.map(({ name }) => `\`${name}\``).join(' ');
    const sized = amount ? `${does} (${amount.count} ${amount.unit})` : does;
    return `| ${names} | ${sized} | ${outcomes.join(' or ')} | ${watch} |\n`;
  });
  return [
    '| name | what the agent does | what becomes of the task | what must be true besides |\n',
    '| --- | --- | --- | --- |\n',
    ...lines,
  ].join('');
};

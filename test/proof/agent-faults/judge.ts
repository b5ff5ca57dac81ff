/** What must be true of what was seen: for every behaviour, and for each what its row in the table says besides. */
import { ladderMs } from './observe.ts';
import type { Seen } from './observe.ts';
import { watches } from './watches.ts';

export const growthMaxMiB = 100;

type Complaint = string | false;

export const judge = (seen: Seen): readonly string[] =>
  [...outcome(seen), ...error(seen), ...always(seen), ...besides(seen)].filter((said) => said !== false);

const ended = ['TaskCompleted', 'TaskFailed', 'TaskCancelled'];

const wordOf = ({ status, error: told }: Seen['task']): string => (status === 'failed' ? String(told?.class) : status);

/** Where the row allows both, the limit that came first decides which. */
const expected = ({ row: { outcomes }, limit }: Seen): readonly string[] =>
  outcomes.includes('timed-out') ? [limit === 'task' ? 'timed-out' : 'agent-failed'] : outcomes;

const outcome = (seen: Seen): Complaint[] => {
  const came = wordOf(seen.task);
  const told = seen.task.error?.message ?? '';
  const outcomes = seen.facts.filter(({ type }) => ended.includes(type));
  return [
    !expected(seen).includes(came) && `is ${came} (${told}) and not ${expected(seen).join(' or ')}`,
    outcomes.length !== 1 && `has ${outcomes.length} outcomes`,
    !ended.includes(seen.facts.at(-1)?.type ?? '') && 'says something after the outcome',
    seen.late !== 0 && `had ${seen.late} facts added after its outcome was seen`,
    seen.facts.some(({ version }, index) => version !== index + 1) && 'has versions that are not dense',
    seen.endedAt - seen.startedAt > seen.limitMs + ladderMs && `took ${seen.endedAt - seen.startedAt} ms`,
  ];
};

/** Words for people: a sentence that says what happened to this task, and one that says what to do. */
const error = ({ task: { status, error: told }, limitMs }: Seen): Complaint[] => {
  if (status !== 'failed') return [told !== undefined && 'has an error and did not fail'];
  if (!told) return ['failed without an error'];
  const { message, remedy } = told;
  const limit = `${limitMs / 1_000} s`;
  return [
    message.length < 15 && `has the message "${message}"`,
    (remedy.length < 15 || !remedy.endsWith('.') || remedy === message) && `has the remedy "${remedy}"`,
    told.class === 'timed-out' && !message.includes(limit) && `does not tell the limit of ${limit}: ${message}`,
    /undefined|null|\[object|Error:|\n/.test(message + remedy) && `is not written for people: ${message} ${remedy}`,
  ];
};

const wellFormed = (value: unknown): boolean => {
  if (typeof value === 'string') return value.isWellFormed();
  return typeof value !== 'object' || value === null || Object.entries(value).flat().every(wellFormed);
};

const always = (seen: Seen): Complaint[] => [
  seen.next.status !== 'completed' && `breaks the next task: ${wordOf(seen.next)} ${seen.next.error?.message ?? ''}`,
  seen.again !== undefined &&
    seen.again.status !== 'completed' &&
    `breaks its conversation: ${wordOf(seen.again)} ${seen.again.error?.message ?? ''}`,
  !(seen.grownMiB < growthMaxMiB) && `lets the worker grow by ${seen.grownMiB} MiB`,
  !wellFormed(seen.facts) && 'leaves text in the facts that is not well-formed',
  seen.left.length > 0 && !isKnown(seen) && `leaves ${seen.left.map(({ command }) => command).join(', ')}`,
];

/** Without a namespace nothing tells whose this process is; the table says so. */
export const isKnown = ({ row, isolation, left }: Pick<Seen, 'row' | 'isolation' | 'left'>): boolean =>
  isolation === 'group' && row.name === 'hides' && left.every(({ command }) => command === 'sleep 600');

const besides = (seen: Seen): Complaint[] => {
  const holds = watches[seen.row.watch];
  if (!holds) return [`nobody watches whether ${seen.row.watch}`];
  return [!holds(seen) && `not true: ${seen.row.watch}`];
};

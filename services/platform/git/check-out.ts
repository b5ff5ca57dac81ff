/** Brings a repository into a directory: one commit of it, without its history, a remote, or a credential. */
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TaskError } from '#events/error.ts';
import { runGit } from './clean-room.ts';
import type { GitOptions, GitResult } from './clean-room.ts';
import { directorySize } from './directory-size.ts';
import { isCommit, isRefName } from './ref-name.ts';

export type CheckOutRequest = {
  readonly repository: string;
  /** A branch, a tag or a commit; the repository's own default without it. */
  readonly ref?: string | undefined;
  /** An existing, empty directory. */
  readonly directory: string;
  /** What the checkout may take on disk. */
  readonly bytesMax?: number | undefined;
};

type Refusal = { readonly outcome: 'refused'; readonly error: TaskError };
export type CheckOut = { readonly outcome: 'checked-out'; readonly commit: string } | Refusal;

const refuse = (message: string, remedy: string): Refusal => ({
  outcome: 'refused',
  error: { class: 'invalid-input', message, remedy, retryable: false },
});

/** Rejects with the signal's reason when it is called off. */
export const checkOut = async (
  request: CheckOutRequest,
  options: GitOptions,
  signal: AbortSignal,
): Promise<CheckOut> => {
  const { repository, ref, directory, bytesMax } = request;
  const url = urlOf(repository, options.protocols);
  if (url === undefined) {
    const forms = options.protocols.map((protocol) => `${protocol}://…`).join(' or ');
    return refuse(
      `${repository.slice(0, 200)} is not a repository that may be used`,
      `Name it as ${forms}, without a password.`,
    );
  }
  if (ref !== undefined && !isCommit(ref) && !(await isRefName(ref, options, signal))) {
    return refuse(
      `${ref.slice(0, 200)} is not the name of a branch or tag`,
      'Name a branch, a tag, or a whole commit id.',
    );
  }
  const found = await findRef(url, ref, options, signal);
  if (typeof found !== 'string') return found;
  using limit = limitSize(directory, bytesMax);
  const either = AbortSignal.any([signal, limit.signal]);
  const run = (...args: readonly string[]) => runGit(args, options, either, directory);
  const steps: readonly (readonly string[])[] = [
    ['init', '--quiet', '--template='],
    ['fetch', '--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules', '--end-of-options', url, found],
    ['checkout', '--quiet', ...branchOptions(found), 'FETCH_HEAD', '--'],
  ];
  for (const step of steps) {
    const result = await run(...step);
    signal.throwIfAborted();
    if (limit.signal.aborted || (await limit.isExceeded())) {
      return refuse(`${repository} takes more than ${bytesMax ?? 0} bytes`, 'Name a smaller repository.');
    }
    if (!result.ok) return explain(repository, ref, result);
  }
  return { outcome: 'checked-out', commit: (await run('rev-parse', 'HEAD')).stdout };
};

/** A branch is checked out as itself, so that who works on it sees where they are. */
const branchOptions = (found: string): readonly string[] =>
  found.startsWith(branches) ? ['-B', found.slice(branches.length)] : ['--detach'];

const branches = 'refs/heads/';

/** The address as git gets it, or undefined when it may not be used. A password in it would be written down in many places. */
const urlOf = (repository: string, protocols: GitOptions['protocols']): string | undefined => {
  const url = isAbsolute(repository) ? pathToFileURL(repository) : URL.parse(repository);
  if (!url || url.username !== '' || url.password !== '') return undefined;
  return protocols.some((protocol) => url.protocol === `${protocol}:`) ? url.href : undefined;
};

/** The full name of what is asked for, as the repository has it: a branch before a tag. */
const findRef = async (
  url: string,
  ref: string | undefined,
  options: GitOptions,
  signal: AbortSignal,
): Promise<string | Refusal> => {
  if (ref !== undefined && isCommit(ref)) return ref;
  const candidates = ref === undefined ? ['HEAD'] : [`${branches}${ref}`, `refs/tags/${ref}`];
  const args = ['ls-remote', '--quiet', '--symref', '--end-of-options', url, ...candidates];
  const result = await runGit(args, options, signal);
  signal.throwIfAborted();
  if (!result.ok) return explain(url, ref, result);
  const lines = result.stdout.split('\n').map((line) => line.split('\t'));
  const head = lines
    .find(([target, name]) => name === 'HEAD' && target?.startsWith('ref: '))?.[0]
    ?.slice('ref: '.length);
  const found = candidates.find((candidate) => lines.some(([, name]) => name === candidate));
  if (found === undefined)
    return refuse(`${url} has no ${ref ?? 'commit yet'}`, 'Name a branch, tag or commit that it has.');
  return found === 'HEAD' && head !== undefined ? head : found;
};

const missing = /not found|does not exist|does not appear to be a git repository/i;
const closed = /could not read Username|Authentication failed|Access denied|returned error: 40[13]/i;
const noSuchRef = /couldn't find remote ref|not our ref|no such ref/i;

/** git says it in many ways; to the reader there are four. */
const explain = (repository: string, ref: string | undefined, { stderr, timedOut }: GitResult): Refusal => {
  if (noSuchRef.test(stderr)) return refuse(`${repository} has no ${ref ?? 'such ref'}`, 'Name one that it has.');
  if (missing.test(stderr)) return refuse(`there is no repository ${repository}`, 'Check its address.');
  if (closed.test(stderr)) {
    return refuse(
      `${repository} does not exist or is not open to this system`,
      'Check its address and who may read it.',
    );
  }
  const reason = timedOut ? 'git took too long' : (stderr.trim().split('\n').at(-1) ?? '').slice(0, 300);
  const error = {
    message: `${repository} could not be fetched: ${reason}`,
    remedy: 'Submit the task again.',
    retryable: true,
  };
  return { outcome: 'refused', error: { class: 'internal', ...error } };
};

const lookAgainMs = 500;

/** git knows no limit of its own: what it writes is measured while it writes. */
const limitSize = (directory: string, bytesMax: number | undefined) => {
  const tooLarge = new AbortController();
  const isExceeded = async () => bytesMax !== undefined && (await directorySize(directory)) > bytesMax;
  const look = async () => {
    if (await isExceeded()) tooLarge.abort('too large');
  };
  const timer = bytesMax === undefined ? undefined : setInterval(() => void look(), lookAgainMs);
  return { signal: tooLarge.signal, isExceeded, [Symbol.dispose]: () => clearInterval(timer) };
};

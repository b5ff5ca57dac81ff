/**
 * What an agent may do is decided by policy, at once: nobody sits at the keyboard. This keeps an agent on its task; it is
 * no wall against a hostile one, which is the process's own confinement, since a command it may run can do what it likes.
 */
import { z } from 'zod';

/**
 * `allow-workdir`: reading and changing files in the work directory, commands that start there, and what touches no file.
 * `allow-all`, `deny-all`: every request gets the same answer.
 */
export const PermissionPolicy = z.enum(['allow-workdir', 'allow-all', 'deny-all']);
export type PermissionPolicy = z.infer<typeof PermissionPolicy>;

/** What is known of the tool call: ACP's tool kind, and every path it names, or undefined when they could not be read. */
export type ToolRequest = { readonly kind?: string | undefined; readonly paths: readonly string[] | undefined };
export type Verdict = { readonly decision: 'allowed' | 'denied'; readonly reason: string };

const changesFiles = ['edit', 'delete', 'move'];

export const decide = (
  policy: PermissionPolicy,
  { kind = 'other', paths }: ToolRequest,
  isInside: (path: string) => boolean,
): Verdict => {
  if (policy !== 'allow-workdir') return { decision: policy === 'allow-all' ? 'allowed' : 'denied', reason: policy };
  if (paths === undefined) return denied('the request is too large to be judged');
  const outside = paths.find((path) => !isInside(path));
  if (outside !== undefined) return denied(`${outside.slice(0, 200).toWellFormed()} is outside the work directory`);
  if (changesFiles.includes(kind) && paths.length === 0) return denied('it would change a file and does not say which');
  if (paths.length > 0) return allowed('inside the work directory');
  return allowed(kind === 'execute' ? 'it starts in the work directory' : 'it names no file');
};

const allowed = (reason: string): Verdict => ({ decision: 'allowed', reason });
const denied = (reason: string): Verdict => ({ decision: 'denied', reason });

type Option = { readonly optionId: string; readonly kind: string };

/** The option that says it: for this time only where there is one. Undefined when none of them does. */
export const optionFor = ({ decision }: Verdict, options: readonly Option[]): string | undefined => {
  const kinds = decision === 'allowed' ? ['allow_once', 'allow_always'] : ['reject_once', 'reject_always'];
  return kinds.flatMap((kind) => options.filter((option) => option.kind === kind))[0]?.optionId;
};

/** Names such as `path`, `filePath`, `image_paths`, `working_dir`, `destinationPath`; not `file_text`, which is content. */
const pathKey = /(?:path|file|filename|dir|directory|directories|cwd|folder|root|uri)s?$/i;
const otherUrl = /^(?!file:)[a-z][a-z0-9+.-]*:\/\//i;
const nodesMax = 10_000;

/** Every path that a tool call names, wherever in it: locations, diffs, raw input. Undefined when there is too much of it. */
export const pathsNamed = (call: unknown): readonly string[] | undefined => {
  const paths = new Set<string>();
  const rest: { readonly key: string; readonly value: unknown }[] = [{ key: '', value: call }];
  for (let seen = 0, next = rest.pop(); next !== undefined; next = rest.pop()) {
    if ((seen += 1) > nodesMax) return undefined;
    const { key, value } = next;
    if (typeof value === 'string') {
      if (pathKey.test(key) && value !== '' && !otherUrl.test(value)) paths.add(value);
    } else if (Array.isArray(value)) {
      for (const element of value) rest.push({ key, value: element });
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, element] of Object.entries(value)) rest.push({ key: name, value: element });
    }
  }
  return [...paths];
};

/** Which service, and with which key: flags before environment, and on this machine the key that `make run` left behind. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandFault, exitCodes } from './exit.ts';

export type Settings = { readonly url: URL; readonly key: string };
export type Flags = { readonly url?: string | undefined; readonly key?: string | undefined };

const defaultUrl = 'http://127.0.0.1:8081';

const readUrl = (text: string): URL => {
  // With a slash at its end, so that paths are resolved below it.
  const url = URL.parse(`${text.replace(/\/+$/, '')}/`);
  if (url && ['http:', 'https:'].includes(url.protocol)) return url;
  throw new CommandFault(exitCodes.refused, `${text} is not the URL of a service; it begins with http:// or https://`);
};

/** The key of this machine's admin is for this machine's service and never goes anywhere else. */
const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);

const findAdminKey = async (env: NodeJS.ProcessEnv, tell: (text: string) => void): Promise<string | undefined> => {
  const path = join(env['DATA_DIR'] || '.data', 'admin.key');
  const key = await readFile(path, 'utf8').catch(() => undefined);
  if (key !== undefined) tell(`using the admin key in ${path}`);
  return key?.trim();
};

export const readSettings = async (
  flags: Flags,
  env: NodeJS.ProcessEnv,
  tell: (text: string) => void,
): Promise<Settings> => {
  const url = readUrl(flags.url ?? (env['KIRO_DISPATCH_URL'] || defaultUrl));
  const given = flags.key ?? (env['KIRO_DISPATCH_KEY'] || undefined);
  const key = given ?? (isLoopback(url) ? await findAdminKey(env, tell) : undefined);
  if (key === undefined) {
    throw new CommandFault(exitCodes.refused, 'there is no key: set KIRO_DISPATCH_KEY to an API key of the service');
  }
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new CommandFault(exitCodes.refused, 'the key is not one: it has characters that no key has');
  }
  return { url, key };
};

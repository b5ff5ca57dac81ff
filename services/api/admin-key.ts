/** The first key of an installation, for the person who starts it: written to a file that only they can read. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { accountOf } from '#events/account.ts';
import { makeAccountId, makeKey, parseKey } from '#platform/http/api-key.ts';
import { issueKey } from '#platform/http/keys-issue.ts';
import type { Log } from '#platform/log.ts';
import type { Store } from '#platform/store.ts';

export type AdminKeyParts = {
  readonly store: Pick<Store, 'append' | 'readRow'>;
  readonly clock: () => number;
  readonly log: Log;
  readonly requestId: string;
};

/** An installation has one first admin for ever, however many instances start at once and however often. */
const never = Date.UTC(9999, 0, 1);

const isMissing = (fault: unknown): boolean => fault instanceof Error && 'code' in fault && fault.code === 'ENOENT';

const readKept = async (file: string): Promise<string | undefined> => {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new Error(`${file} could not be read`, { cause });
  }
};

/** False where nothing can be written: a key that nobody could read is not issued. */
const keep = async (file: string, key: string, log: Log): Promise<boolean> => {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${key}\n`, { mode: 0o600, flag: 'wx' });
    return true;
  } catch (err) {
    log.problem('admin-key.not-written', { file, err, remedy: 'node services/api/issue-key.ts --role admin' });
    return false;
  }
};

/**
 * The file is the intention: it is written before anything is stored, and what it says is then made true. So a crash in
 * between is healed by the next start, and a file that was moved away brings no second admin.
 */
export const ensureAdminKey = async (file: string, { store, clock, log, requestId }: AdminKeyParts): Promise<void> => {
  const kept = await readKept(file);
  const key = kept ?? makeKey(makeAccountId()).key;
  const parsed = parseKey(key);
  if (!parsed) {
    log.problem('admin-key.malformed', { file });
    return;
  }
  if (kept === undefined && !(await keep(file, key, log))) return;
  const accountId = accountOf(parsed.keyId);
  const dedupe = { key: 'first-admin', requestHash: '', result: accountId, expiresAt: never };
  const newcomer = { accountId, name: 'admin', role: 'admin', key: parsed } as const;
  const origin = { actor: 'api:start', correlationId: requestId } as const;
  const issued = await issueKey(newcomer, store, clock, origin, dedupe);
  if (issued.outcome === 'appended') log('admin-key.issued', { file, accountId });
  if (issued.outcome !== 'duplicate') return;
  if (kept === undefined) await rm(file, { force: true });
  else log.problem('admin-key.of-another-store', { file });
};

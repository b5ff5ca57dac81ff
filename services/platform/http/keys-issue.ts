/** Making an account with a key: the first admin of an installation, and whoever comes after. */
import { account } from '#events/account.ts';
import type { Account, AccountRefusal, Role } from '#events/account.ts';
import { catalog } from '#events/catalog.ts';
import type { AccountId } from '#events/ids.ts';
import { handler } from '../handle.ts';
import type { Handled } from '../handle.ts';
import type { Dedupe, Origin, Store } from '../store.ts';
import type { MadeKey } from './api-key.ts';

export type Newcomer = {
  readonly accountId: AccountId;
  readonly name: string;
  readonly role: Role;
  readonly key: Omit<MadeKey, 'key'>;
};

export type Issued = Handled<Account, AccountRefusal>;

/**
 * Invites the account, then gives it the key. Repeating it with the same arguments changes nothing, so a crash in between
 * is healed by asking again. `dedupe` guards the invitation; a 'duplicate' outcome means nobody was invited.
 */
export const issueKey = async (
  { accountId, name, role, key }: Newcomer,
  store: Pick<Store, 'append' | 'readRow'>,
  clock: () => number,
  origin: Origin,
  dedupe?: Dedupe,
): Promise<Issued> => {
  const handle = handler(account, catalog.account.parseRow, store, clock);
  const stream = `account/${accountId}` as const;
  const invited = await handle(stream, { type: 'invite', name, role }, origin, dedupe ? { dedupe } : {});
  if (invited.outcome !== 'appended' && invited.outcome !== 'unchanged') return invited;
  return handle(stream, { type: 'issue-key', name: 'first key', ...key }, origin);
};

/** Long connections outlive the check that opened them: they are told when the key is revoked or its role has changed. */
import { rootOf } from '#events/envelope.ts';
import { AccountId } from '#events/ids.ts';
import type { Keyring } from '#platform/http/keyring.ts';
import type { Principal } from '#platform/http/principal.ts';
import type { Commit } from '#platform/store.ts';

export type Access = {
  /** Calls `lose` once, when the principal is no longer what it was, unless disposed before. */
  readonly hold: (principal: Principal, lose: () => void) => Disposable;
  /** To be called with every commit of the log: those of accounts are looked into. */
  readonly review: (commit: Commit) => void;
};

type Held = { readonly principal: Principal; readonly lose: () => void };

export const createAccess = (keys: Pick<Keyring, 'renew' | 'refresh'>): Access => {
  const held = new Map<AccountId, Set<Held>>();

  /** Whoever cannot be asked about is let go as well: the client comes back and is asked again. */
  const look = async ({ principal, lose }: Held): Promise<void> => {
    const now = await keys.renew(principal).catch(() => undefined);
    if (now?.role !== principal.role) lose();
  };

  return {
    hold: (principal, lose) => {
      const own = { principal, lose };
      const ofAccount = held.get(principal.accountId) ?? new Set();
      held.set(principal.accountId, ofAccount.add(own));
      // The key may have been revoked between the check that let this in and now.
      void look(own);
      return {
        [Symbol.dispose]: () => {
          ofAccount.delete(own);
          if (ofAccount.size === 0 && held.get(principal.accountId) === ofAccount) held.delete(principal.accountId);
        },
      };
    },
    review: ({ stream, facts }) => {
      if (!stream.startsWith('account/')) return;
      const accountId = AccountId.parse(rootOf(stream));
      keys.refresh(accountId, facts.at(-1)?.version ?? 0);
      held.get(accountId)?.forEach((each) => void look(each));
    },
  };
};

/** Who holds which key: looked up in the row of its account, and remembered for so short a time that a revocation counts. */
import { Account, accountOf } from '#events/account.ts';
import type { AccountId } from '#events/ids.ts';
import { pause } from '../backoff.ts';
import { recent } from '../recent.ts';
import type { ReadRow } from '../store.ts';
import { parseKey, sameHash } from './api-key.ts';
import type { Principal } from './principal.ts';

export type Keyring = {
  /** The holder of the key; undefined when it is no key, unknown or revoked. Throws when the store does not answer. */
  readonly authenticate: (key: string) => Promise<Principal | undefined>;
  /** What the holder of a key may do by now; undefined once the key is revoked. For connections that outlive a request. */
  readonly renew: (principal: Principal) => Promise<Principal | undefined>;
  /** Every later question about this account is answered from its row as of this version, or a later one. */
  readonly refresh: (accountId: AccountId, version: number) => void;
};

/** A revocation counts everywhere within this time, also where nobody hears of it. */
export const rememberedMs = 5_000;
const rememberedMax = 10_000;
const settleMs = 20;

type Remembered = { readonly account: Promise<Account | undefined>; readonly until: number };

const keyIn = (account: Account | undefined, keyId: string) => account?.keys.find((each) => each.keyId === keyId);

/** A transaction may be seen in the log an instant before it is seen in the row. */
const load = async (readRow: ReadRow, accountId: AccountId, version: number): Promise<Account | undefined> => {
  for (;;) {
    const stored = await readRow(`account/${accountId}`);
    if ((stored?.version ?? 0) >= version) return stored && Account.parse(stored.row);
    await pause(settleMs);
  }
};

export const keyring = (readRow: ReadRow, clock: () => number): Keyring => {
  const remembered = recent<AccountId, Remembered>(rememberedMax);
  /** The version that each account is known to have reached. */
  const moved = recent<AccountId, number>(rememberedMax);

  const ask = (accountId: AccountId): Promise<Account | undefined> => {
    const account = load(readRow, accountId, moved.get(accountId) ?? 0);
    const entry = { account, until: clock() + rememberedMs };
    remembered.set(accountId, entry);
    account.catch(() => {
      if (remembered.get(accountId) === entry) remembered.delete(accountId);
    });
    return account;
  };

  /** What is remembered may be older than the key, which counts from the moment it was issued. */
  const accountWith = async (keyId: string, accountId: AccountId): Promise<Account | undefined> => {
    const known = remembered.get(accountId);
    const account = known && clock() < known.until ? await known.account : undefined;
    // Awaited, so that whoever asks first is also answered first.
    return keyIn(account, keyId) ? account : await ask(accountId);
  };

  const holderOf = async (keyId: string, accountId: AccountId, secretSha256?: string) => {
    const account = await accountWith(keyId, accountId);
    const key = keyIn(account, keyId);
    if (account === undefined || key === undefined || key.revokedAt !== undefined) return undefined;
    if (secretSha256 !== undefined && !sameHash(key.secretSha256, secretSha256)) return undefined;
    return { accountId, role: account.role, keyId };
  };

  return {
    authenticate: async (key) => {
      const parsed = parseKey(key);
      return parsed && holderOf(parsed.keyId, accountOf(parsed.keyId), parsed.secretSha256);
    },
    renew: ({ keyId, accountId }) => holderOf(keyId, accountId),
    // Not read now: an account without the key that is about to be issued would be remembered, and the key refused.
    refresh: (accountId, version) => {
      moved.set(accountId, version);
      remembered.delete(accountId);
    },
  };
};

/** Who is asking. Made by the bearer check from an API key; the identity service will make it from a session as well. */
import type { Role } from '#events/account.ts';
import type { AccountId } from '#events/ids.ts';

export type Principal = { readonly accountId: AccountId; readonly role: Role; readonly keyId: string };

/** What a Hono app knows of a request behind the bearer check. */
export type PrincipalEnv = { Variables: { principal: Principal } };

export const seesEverything = (principal: Principal): boolean => principal.role !== 'member';

/** A member sees only their own; what they may not see does not exist for them. */
export const maySee = (principal: Principal, owner: string): boolean =>
  seesEverything(principal) || principal.accountId === owner;

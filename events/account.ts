/** An account: a person or a program with a role, and the keys it signs in with. Facts, fold, decisions. */
import { z } from 'zod';
import { accept, reject } from './decider.ts';
import type { Absent, Decider, Decision } from './decider.ts';
import { factSchema, recordedParser, rootOf } from './envelope.ts';
import type { Recorded } from './envelope.ts';
import { AccountId } from './ids.ts';

/** A member sees what is their own; an operator sees everything and runs the system; an admin also hands out access. */
export const Role = z.enum(['member', 'operator', 'admin']);
export type Role = z.infer<typeof Role>;

/** The public part of an API key. It starts with the id of its account, so that a key alone finds who it belongs to. */
export const KeyId = z
  .string()
  .regex(/^[A-Za-z0-9]{16}$/)
  .brand('KeyId');
export type KeyId = z.infer<typeof KeyId>;

export const accountOf = (keyId: KeyId): AccountId => AccountId.parse(keyId.slice(0, 12));

const name = z.string().min(1).max(200);
/** Only the hash of a secret is ever stored; the secret has 256 random bits, so a fast hash is enough. */
const issue = z.object({ keyId: KeyId, name, secretSha256: z.string().regex(/^[0-9a-f]{64}$/) });

const invited = factSchema('UserInvited', 1, 'The account exists, with this role.', { name, role: Role });
const roleChanged = factSchema('RoleChanged', 1, 'The account may do more or less than before.', { role: Role });
const keyIssued = factSchema(
  'ApiKeyIssued',
  1,
  'A key was made; its secret was shown once and is not stored.',
  issue.shape,
);
const keyRevoked = factSchema('ApiKeyRevoked', 1, 'The key opens nothing any more, for ever.', { keyId: KeyId });

export const AccountEvent = z.discriminatedUnion('type', [invited, roleChanged, keyIssued, keyRevoked]);
export type AccountEvent = z.infer<typeof AccountEvent>;
export type StoredAccountEvent = Recorded<AccountEvent>;
export const parseAccountEvent = recordedParser(AccountEvent);

export const ApiKey = issue.extend({ issuedAt: z.int(), revokedAt: z.int().optional() });
export type ApiKey = z.infer<typeof ApiKey>;

/** The fold, and the row that readers see. Times are milliseconds since 1970. */
export const Account = z.object({
  accountId: AccountId,
  status: z.literal('active'),
  name,
  role: Role,
  createdAt: z.int(),
  /** In the order they were issued, the revoked ones too: an id is never given out twice. */
  keys: z.array(ApiKey),
});
export type Account = z.infer<typeof Account>;
export type AccountState = Account | Absent;

const evolve = (state: AccountState, stored: StoredAccountEvent): Account => {
  const at = Date.parse(stored.at);
  if (stored.type === 'UserInvited') {
    const { name, role } = stored;
    return { accountId: AccountId.parse(rootOf(stored.stream)), status: 'active', name, role, createdAt: at, keys: [] };
  }
  if (state.status === 'absent') throw new Error(`${stored.stream} starts with ${stored.type}`);
  switch (stored.type) {
    case 'RoleChanged':
      return { ...state, role: stored.role };
    case 'ApiKeyIssued':
      return { ...state, keys: [...state.keys, { ...issue.parse(stored), issuedAt: at }] };
    case 'ApiKeyRevoked': {
      const { keyId } = stored;
      return { ...state, keys: state.keys.map((key) => (key.keyId === keyId ? { ...key, revokedAt: at } : key)) };
    }
  }
};

export type AccountCommand =
  | { type: 'invite'; name: string; role: Role }
  | { type: 'change-role'; role: Role }
  | ({ type: 'issue-key' } & z.infer<typeof issue>)
  | { type: 'revoke-key'; keyId: KeyId };

export type AccountRefusal =
  'no-such-account' | 'already-invited' | 'key-of-another-account' | 'key-id-taken' | 'no-such-key';
type AccountDecision = Decision<AccountEvent, AccountRefusal>;

const issueKey = (account: Account, command: Extract<AccountCommand, { type: 'issue-key' }>): AccountDecision => {
  if (accountOf(command.keyId) !== account.accountId) return reject('key-of-another-account');
  const key = account.keys.find(({ keyId }) => keyId === command.keyId);
  if (key === undefined) return accept({ type: 'ApiKeyIssued', v: 1, ...issue.parse(command) });
  return key.secretSha256 === command.secretSha256 && key.revokedAt === undefined ? accept() : reject('key-id-taken');
};

const revokeKey = (account: Account, keyId: KeyId): AccountDecision => {
  const key = account.keys.find((each) => each.keyId === keyId);
  if (key === undefined) return reject('no-such-key');
  return key.revokedAt === undefined ? accept({ type: 'ApiKeyRevoked', v: 1, keyId }) : accept();
};

const decide = (state: AccountState, command: AccountCommand): AccountDecision => {
  if (command.type === 'invite') {
    const { name, role } = command;
    if (state.status === 'absent') return accept({ type: 'UserInvited', v: 1, name, role });
    return state.name === name && state.role === role ? accept() : reject('already-invited');
  }
  if (state.status === 'absent') return reject('no-such-account');
  switch (command.type) {
    case 'change-role':
      return state.role === command.role ? accept() : accept({ type: 'RoleChanged', v: 1, role: command.role });
    case 'issue-key':
      return issueKey(state, command);
    case 'revoke-key':
      return revokeKey(state, command.keyId);
  }
};

export const account: Decider<Account, AccountEvent, StoredAccountEvent, AccountCommand, AccountRefusal> = {
  evolve,
  decide,
};

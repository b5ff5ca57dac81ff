/** The form of an API key: `kd_<key id>_<secret>_<checksum>`. Only the hash of the secret is ever stored. */
import { hash, randomInt, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { KeyId } from '#events/account.ts';
import { AccountId } from '#events/ids.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export const randomBase62 = (length: number): string =>
  Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');

/** Six digits hold any 32 bits. The checksum lets a typing error, and a secret scanner, be answered without asking the store. */
const checksum = (text: string): string => {
  let rest = crc32(text);
  let digits = '';
  for (let place = 0; place < 6; place += 1) {
    digits = alphabet.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
};

export const hashOf = (secret: string): string => hash('sha256', secret);

export type MadeKey = { readonly key: string; readonly keyId: KeyId; readonly secretSha256: string };

export const makeAccountId = (): AccountId => AccountId.parse(randomBase62(12));

/** 43 digits of base 62 are 256 random bits. The key itself is shown once and kept nowhere. */
export const makeKey = (accountId: AccountId): MadeKey => {
  const keyId = KeyId.parse(accountId + randomBase62(4));
  const secret = randomBase62(43);
  const body = `kd_${keyId}_${secret}`;
  return { key: `${body}_${checksum(body)}`, keyId, secretSha256: hashOf(secret) };
};

const form = /^(kd_([0-9A-Za-z]{16})_([0-9A-Za-z]{43}))_([0-9A-Za-z]{6})$/;

/** Undefined for whatever is no key of ours. */
export const parseKey = (key: string): Omit<MadeKey, 'key'> | undefined => {
  const [, body = '', keyId = '', secret = '', check] = form.exec(key) ?? [];
  return check !== undefined && check === checksum(body)
    ? { keyId: KeyId.parse(keyId), secretSha256: hashOf(secret) }
    : undefined;
};

/** Compares two hashes without telling by its duration how much of them is alike. */
export const sameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

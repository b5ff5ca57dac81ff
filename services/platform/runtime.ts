/** Small operational records that are no facts: who follows which shard and how far, and notes that are taken once. */

/**
 * Puts a shard of the log in the hands of one holder at a time, for `leaseMs` from now. Answers the position remembered
 * last (0 at first), or nothing while another holder's lease lives. A holder renews by claiming again. A lease that ends
 * more than a minute later than one made now was promised by a clock that was wrong, and binds nobody.
 */
export type ClaimShard = (
  subscription: string,
  shard: number,
  holder: string,
  leaseMs: number,
) => Promise<{ readonly position: number } | undefined>;

export const clocksDifferMs = 60_000;

/** 'lost' is the answer to a holder from whom the shard was claimed: nothing is remembered. */
export type RememberPosition = (
  subscription: string,
  shard: number,
  holder: string,
  position: number,
) => Promise<'remembered' | 'lost'>;

/** Lets the next holder claim at once; does nothing for anybody but the holder. */
export type ReleaseShard = (subscription: string, shard: number, holder: string) => Promise<void>;

/** Keeps `value` until it is taken or `expiresAt` (milliseconds since 1970) has come; a second note replaces the first. */
export type PutNote = (key: string, value: string, expiresAt: number) => Promise<void>;

/** Of all who ask, one gets the value. Where the answer is lost on its way nobody does: a note is taken at most once. */
export type TakeNote = (key: string) => Promise<string | undefined>;

/** The number of log shards of this installation: what the first that asks wants, for ever. */
export type FixShards = (wanted: number) => Promise<number>;

export type Runtime = {
  readonly fixShards: FixShards;
  readonly claimShard: ClaimShard;
  readonly rememberPosition: RememberPosition;
  readonly releaseShard: ReleaseShard;
  readonly putNote: PutNote;
  readonly takeNote: TakeNote;
};

/** Where an engine is not what DynamoDB is: the tests it cannot pass, by title, each with the reason. */
import type { KnownDifferences } from '#test/conformance/fixtures.ts';

const notIsolated =
  'a transaction that moto 5.2.1 cancels puts back a copy of the whole table, and with it undoes what others wrote meanwhile';

export const moto: KnownDifferences = {
  'of 64 writers that race for one version exactly one wins': notIsolated,
  'one idempotency key twice at the same moment makes one task': notIsolated,
  'positions are dense however many instances append, and a reader that follows misses nothing': notIsolated,
  'text is not below any number': 'moto 5.2.1 answers with a TypeError of its own',
  'the largest commit and the largest row are stored whole':
    'moto 5.2.1 refuses an update when the old and the new item together have 400 KB',
  'what the service refuses for good is not tried again': 'moto 5.2.1 takes an empty text as the key of an index',
  'a stream of 1,000 facts is read whole, in parts, and from its middle':
    'moto 5.2.1 copies the table for every transaction, which takes half a minute here',
  'a list is whole however many of its rows were made in one millisecond':
    'moto 5.2.1 fails with a page of HTML when a hundred transactions come at once, since one changes what another copies',
};

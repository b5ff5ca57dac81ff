/** The suite every store adapter is held to. */
import { describe } from 'node:test';
import { testsFor } from './fixtures.ts';
import type { KnownDifferences, OpenStore } from './fixtures.ts';
import { appendTests } from './store-append.ts';
import { listTests } from './store-lists.ts';
import { logTests } from './store-log.ts';
import { rowTests } from './store-rows.ts';

export const storeConformance = (name: string, open: OpenStore, known: KnownDifferences = {}): void => {
  const it = testsFor(known);
  describe(`${name}: append`, () => appendTests(it, open));
  describe(`${name}: rows`, () => rowTests(it, open));
  describe(`${name}: streams and log`, () => logTests(it, open));
  describe(`${name}: lists`, () => listTests(it, open));
};

/** Every operation of the document, with everything it must take and everything it must refuse. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byEffort, printCounts, seed } from '../effort.ts';
import { readDocument } from './document.ts';
import { cover, fuzz, newAccount } from './fuzz.ts';
import { inWords } from './words.ts';
import { openTarget } from './target.ts';

const runs = byEffort({ ci: 200, full: 20_000 });

const document = await (async () => {
  await using target = await openTarget();
  return readDocument(JSON.parse((await target.ask('/openapi.json', {})).text));
})();

/** One of each kind, so that what is wrong can be read. */
const distinct = <Each>(all: readonly Each[], keyOf: (each: Each) => string): readonly Each[] => [
  ...new Map(all.map((each) => [keyOf(each), each])).values(),
];

/** The same fault of the same change is told once. */
const withoutIds = (finding: string): string => finding.replace(/ · (?:GET|POST) [^·]* · /, '').slice(0, 120);

const percentile = (ms: readonly number[], share: number): number =>
  [...ms].sort((a, b) => a - b)[Math.floor((ms.length - 1) * share)] ?? 0;

describe('every operation of the document', () => {
  for (const operation of document) {
    it(`${operation.id} takes what is documented, refuses everything else, and says no more than its document`, async (t) => {
      const account = newAccount();
      await cover(operation, { seed, inWords }, openTarget, account);
      await fuzz(operation, { runs, seed, inWords }, openTarget, account);
      const [p50, p99] = [percentile(account.ms, 0.5), percentile(account.ms, 0.99)];
      printCounts(t, {
        requests: account.ms.length,
        ...Object.fromEntries(account.kinds),
        ...Object.fromEntries(account.checks),
        'p50 ms': p50.toFixed(2),
        'p99 ms': p99.toFixed(2),
      });
      const found = account.violations.map(({ check, why, fault }) => `${check} · ${why} · ${fault}`);
      assert.deepEqual(distinct(found, withoutIds), []);
      assert.ok(p99 < 100, `p99 of ${p99} ms`);
    });
  }
});

/** Sends many requests to one operation and keeps account of what was found. */
import fc from 'fast-check';
import { z } from 'zod';
import { checks, judge } from './checks.ts';
import type { Check, Findings } from './checks.ts';
import type { Operation } from './document.ts';
import { cases, changed, changesTo, takenCases } from './requests.ts';
import type { Case, InWords, Kind } from './requests.ts';
import type { Sent, Target } from './target.ts';

export type Violation = {
  readonly check: Check;
  readonly operation: string;
  readonly why: string;
  readonly fault: string;
};

export type Account = {
  readonly kinds: Map<Kind, number>;
  readonly checks: Map<Check, number>;
  readonly ms: number[];
  readonly violations: Violation[];
};
export const newAccount = (): Account => ({ kinds: new Map(), checks: new Map(), ms: [], violations: [] });

const count = <Key>(counts: Map<Key, number>, key: Key): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

const Submitted = z.object({ taskId: z.string() });

/** What can be told only by asking again: what was made is there, and what was used up is gone. */
const after = async (operation: Operation, given: Case, { path, names, answer }: Sent, target: Target) => {
  const found: Findings = {};
  const headers = { authorization: `Bearer ${target.world.keyOf('alice')}` };
  const place = answer.headers.get('location');
  if (given.kind === 'taken' && answer.status === 202 && operation.responses['202']?.headers['location']) {
    const made = await target.ask(place ?? '/', { headers });
    const isThere = made.status === 200 && made.text.includes(Submitted.parse(JSON.parse(answer.text)).taskId);
    found.ensure_resource_availability = isThere ? '' : `${place ?? 'no location'} answers ${made.status}`;
  }
  if (names['ticket'] !== undefined && answer.status === 101) {
    const again = await target.ask(path, {});
    found.use_after_free = again.status === 401 ? '' : `a used ticket is answered with ${again.status}`;
  }
  return found;
};

export const fuzzOne = async (operation: Operation, given: Case, target: Target, account: Account): Promise<void> => {
  const sent = await target.send(given);
  const findings = {
    ...judge({ operation, given, sent, target }),
    ...(await after(operation, given, sent, target)),
  };
  const key = given.headers['idempotency-key'];
  if (key !== undefined && given.kind !== 'closed') target.usedKeys.add(key);
  count(account.kinds, given.kind);
  account.ms.push(sent.answer.ms);
  for (const check of checks) {
    const fault = findings[check];
    if (fault === undefined) continue;
    count(account.checks, check);
    const why = `${given.kind} · ${given.why} · ${given.method} ${sent.path.slice(0, 200)}`;
    if (fault !== '') account.violations.push({ check, operation: operation.id, why, fault });
  }
};

type Given = {
  readonly seed: number;
  readonly inWords: InWords;
  /** Nothing more is sent once it says so. */
  readonly isEnough?: (account: Account) => boolean;
};

/** A target grows with what it takes: every so many requests there is a new one. */
const batchMax = 1_000;

/** `runs` requests by chance. */
export const fuzz = async (
  operation: Operation,
  { runs, seed, inWords, isEnough = () => false }: Given & { readonly runs: number },
  open: () => Promise<Target>,
  account: Account,
): Promise<void> => {
  for (let done = 0; done < runs; done += batchMax) {
    await using target = await open();
    const numRuns = Math.min(batchMax, runs - done);
    for (const given of fc.sample(cases(operation, inWords), { seed: seed + done, numRuns })) {
      if (isEnough(account)) return;
      await fuzzOne(operation, given, target, account);
    }
  }
};

/** Every change in one place, once, to a request with everything in it. */
export const cover = async (
  operation: Operation,
  { seed, inWords, isEnough = () => false }: Given,
  open: () => Promise<Target>,
  account: Account,
): Promise<void> => {
  await using target = await open();
  const [given] = fc.sample(takenCases(operation), { seed, numRuns: 1 });
  if (!given) return;
  for (const change of changesTo(operation, given, inWords)) {
    if (isEnough(account)) return;
    await fuzzOne(operation, changed(change, given), target, account);
  }
};

/** The rules about what is stored: dense, each fact once, the row its fold, one attempt at a time, one outcome, all of it announced. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { rebuild } from '#events/catalog.ts';
import { kindOf } from '#events/envelope.ts';
import type { StreamId } from '#events/envelope.ts';
import { parseLockEvent } from '#events/lock.ts';
import { parseTaskEvent } from '#events/task.ts';
import type { StoredFact } from '#platform/store.ts';
import type { Breach, History, Rule, Stored } from './history.ts';

const ofKind = (stored: Stored, kind: string): [StreamId, readonly StoredFact[]][] =>
  [...stored.streams].filter(([stream]) => kindOf(stream) === kind);

const denseVersions = function* ({ stored }: History): Generator<Breach> {
  for (const [about, facts] of stored.streams) {
    const gap = facts.findIndex(({ version }, index) => version !== index + 1);
    if (gap !== -1) yield { rule: 'versions', about, what: `${facts[gap]?.version ?? 0} stands as number ${gap + 1}` };
  }
};

/** Positions are dense, and the log holds each fact of each stream once and in its order. */
const denseLog = function* ({ stored }: History): Generator<Breach> {
  const logged = new Map<StreamId, string[]>();
  for (const [shard, commits] of stored.log.entries()) {
    const gap = commits.findIndex(({ position }, index) => position !== index + 1);
    if (gap !== -1)
      yield { rule: 'positions', about: `shard ${shard}`, what: `${commits[gap]?.position ?? 0} comes as ${gap + 1}` };
    for (const { stream, facts } of commits)
      logged.set(stream, [...(logged.get(stream) ?? []), ...facts.map(({ id }) => id)]);
  }
  for (const about of new Set([...stored.streams.keys(), ...logged.keys()])) {
    const ids = stored.streams.get(about)?.map(({ id }) => id) ?? [];
    const inLog = logged.get(about) ?? [];
    if (!isDeepStrictEqual(ids, inLog))
      yield { rule: 'log', about, what: `has ${ids.length} facts, the log ${inLog.length}, or others` };
  }
};

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Undefined where facts are missing or stand in an order that nothing can come of. */
const foldOf = (stream: StreamId, facts: readonly StoredFact[]): unknown => {
  try {
    return throughJson(rebuild(kindOf(stream), facts));
  } catch {
    return undefined;
  }
};

const rowsAreFolds = function* ({ stored }: History): Generator<Breach> {
  for (const [about, facts] of stored.streams) {
    const row = stored.rows.get(about);
    const { version } = facts.at(-1) ?? { version: 0 };
    if (row?.version !== version)
      yield { rule: 'row', about, what: `is at ${row?.version ?? 'no row'}, its facts at ${version}` };
    else if (!isDeepStrictEqual(throughJson(row.row), foldOf(about, facts)))
      yield { rule: 'row', about, what: 'is not the fold of its facts' };
  }
  for (const about of stored.rows.keys())
    if (!stored.streams.has(about)) yield { rule: 'row', about, what: 'has a row and no facts' };
};

/** What is wrong with the life of one task, first thing first; nothing when it is as it must be. */
const wrongInTask = (facts: readonly StoredFact[]): string | undefined => {
  let attempt = 0;
  let seq = 0;
  /** Who runs the attempt, while it goes on. */
  let runner: string | undefined;
  let outcome: string | undefined;
  for (const fact of facts.map(parseTaskEvent)) {
    const { type, version, actor } = fact;
    const said = `${type} of ${actor} at ${version}`;
    if (outcome !== undefined) return `goes on with ${said} after ${outcome}`;
    if ((type === 'TaskSubmitted') !== (version === 1)) return `has ${said}`;
    if (type === 'TaskStarted') {
      if (fact.attempt <= attempt) return `starts attempt ${fact.attempt} after ${attempt}`;
      if (runner !== undefined) return `starts attempt ${fact.attempt} while ${runner} runs ${attempt}`;
      [attempt, runner, seq] = [fact.attempt, actor, 0];
    } else if ('attempt' in fact) {
      if (fact.attempt !== attempt) return `has ${said} for attempt ${fact.attempt}, not ${attempt}`;
      if (runner === undefined && type !== 'TaskCancelled') return `has ${said} while nobody runs it`;
      if ((type === 'TaskProgressed' || type === 'TaskCompleted') && actor !== runner)
        return `has ${said} while ${runner ?? 'nobody'} runs it`;
    }
    if (type === 'TaskProgressed') {
      if (fact.seq <= seq) return `has report ${fact.seq} after ${seq}`;
      ({ seq } = fact);
    }
    if (type === 'TaskRetried') runner = undefined;
    if (type === 'TaskCompleted' || type === 'TaskFailed' || type === 'TaskCancelled') outcome = said;
  }
  return undefined;
};

const taskLives = function* ({ stored }: History): Generator<Breach> {
  for (const [about, facts] of ofKind(stored, 'task')) {
    const what = wrongInTask(facts);
    if (what !== undefined) yield { rule: 'attempts', about, what };
  }
};

/** Tokens only grow, and only the holder gives a lock back. */
const wrongInLock = (facts: readonly StoredFact[]): string | undefined => {
  let token = 0;
  let holder: string | undefined;
  for (const fact of facts.map(parseLockEvent)) {
    if (fact.type === 'LockAcquired') {
      if (holder !== undefined) return `is acquired by ${fact.actor} while ${holder} holds it`;
      if (fact.token <= token) return `is acquired with token ${fact.token} after ${token}`;
      ({ token, actor: holder } = fact);
      continue;
    }
    if (fact.token !== token || holder === undefined) return `is freed with token ${fact.token}, not ${token}`;
    if (fact.type === 'LockReleased' && fact.actor !== holder) return `of ${holder} is released by ${fact.actor}`;
    holder = undefined;
  }
  return undefined;
};

const lockLives = function* ({ stored }: History): Generator<Breach> {
  for (const [about, facts] of ofKind(stored, 'lock')) {
    const what = wrongInLock(facts);
    if (what !== undefined) yield { rule: 'lock', about, what };
  }
};

/** Nothing is announced that was not stored, nothing stored stays unannounced, and nothing is remembered before it is announced. */
const announcements = function* ({ announced, remembered, stored }: History): Generator<Breach> {
  if (!announced) return;
  const heard = new Set(announced.map(({ stream, version }) => `${stream} ${version}`));
  for (const [shard, commits] of stored.log.entries()) {
    for (const { stream, position, facts } of commits)
      for (const { version } of facts) {
        if (heard.delete(`${stream} ${version}`)) continue;
        const passed = position <= (remembered?.[shard] ?? 0) ? ', and never will be' : '';
        yield { rule: 'announced', about: stream, what: `${version} was not announced${passed}` };
      }
    const at = remembered?.[shard];
    if (at !== undefined && at > commits.length)
      yield { rule: 'announced', about: `shard ${shard}`, what: `is remembered at ${at} of ${commits.length}` };
  }
  for (const about of heard) yield { rule: 'announced', about, what: 'was announced and is not stored' };
};

const Sign = z.looseObject({ status: z.string() });
const signs: Readonly<Record<string, { readonly mark: string; readonly open: readonly string[] }>> = {
  task: { mark: 'heartbeatAt', open: ['processing'] },
  session: { mark: 'heartbeatAt', open: ['created', 'active', 'idle'] },
  lock: { mark: 'leaseUntil', open: ['held'] },
};

/** What is held is held by somebody who lives. */
const silence = function* ({ stored, quiet }: History): Generator<Breach> {
  if (!quiet) return;
  for (const [about, { row, marks }] of stored.rows) {
    const sign = signs[kindOf(about)];
    const status = Sign.safeParse(row).data?.status ?? '';
    if (!sign?.open.includes(status)) continue;
    const silentMs = quiet.at - (marks[sign.mark] ?? 0);
    if (silentMs > quiet.silentMs)
      yield { rule: 'silence', about, what: `is ${status} without a sign of life for ${silentMs} ms` };
  }
};

export const storedRules: readonly Rule[] = [
  ...[denseVersions, denseLog, rowsAreFolds],
  ...[taskLives, lockLives, announcements, silence],
];
